import { execFileSync } from 'node:child_process'
import { partsOf } from '../target/control.ts'
import type { Target } from '../target/target.ts'

export interface MemoryResult {
  readonly process: string
  /** Resident set, MiB. */
  readonly rssMib: number
}

/** The resident memory of every process of the stack, as `ps` tells it. */
export async function measureMemory({ control }: Target): Promise<readonly MemoryResult[]> {
  if (control === null) return []
  const parts = await partsOf(control)
  return parts.flatMap(({ name, pid }) => (pid === null ? [] : [{ process: name, rssMib: rssMib(pid) }]))
}

const rssMib = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim()) / 1024
