import { readdirSync, readFileSync } from 'node:fs'

export interface NamedProcess {
  readonly name: string
  readonly pid: number
}

/** The processes and all that they started: a relay may have workers of its own. Names of children lead to their parent's. */
export function withChildren(roots: readonly NamedProcess[]): readonly NamedProcess[] {
  const children = childrenByParent()
  const found: NamedProcess[] = []
  const visit = (named: NamedProcess) => {
    if (found.some(({ pid }) => pid === named.pid)) return
    found.push(named)
    for (const pid of children.get(named.pid) ?? []) visit({ name: `${named.name} / ${pid}`, pid })
  }
  roots.forEach(visit)
  return found
}

function childrenByParent(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const parent = parentOf(pid)
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  return children
}

/** Null for a process that has ended meanwhile. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}
