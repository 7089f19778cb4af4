import { z } from 'zod'

/** A profile as V8 writes it with --cpu-prof: samples name nodes of a call tree, times are microseconds. */
const cpuProfile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

export interface Share {
  readonly name: string
  /** Of the busy time, 0 to 1. */
  readonly share: number
}

/** Where one thread spent its time. */
export interface ProfileReading {
  readonly totalS: number
  /** Without idling. */
  readonly busyS: number
  /** Time in a function itself, the largest first. */
  readonly self: readonly Share[]
  /** Time below a function, itself included: what a flame graph shows as width. */
  readonly inclusive: readonly Share[]
}

type Frame = z.infer<typeof cpuProfile>['nodes'][number]['callFrame']

/** @param json text of a .cpuprofile @param root folder that paths are shown relative to */
export function readProfile(json: string, root: string): ProfileReading {
  const { nodes, samples, timeDeltas } = cpuProfile.parse(JSON.parse(json))
  const selfUs = new Map<number, number>()
  samples.forEach((id, index) => {
    selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0))
  })
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  )
  const self = new Map<string, number>()
  const inclusive = new Map<string, number>()
  let totalUs = 0
  let idleUs = 0
  for (const [id, us] of selfUs) {
    totalUs += us
    const frame = frames.get(id)
    if (frame === undefined) continue
    if (frame.functionName === '(idle)') {
      idleUs += us
      continue
    }
    add(self, nameOf(frame, root), us)
    for (const name of callersOf(id, frames, parents, root)) add(inclusive, name, us)
  }
  const busyUs = totalUs - idleUs
  return {
    totalS: totalUs / 1e6,
    busyS: busyUs / 1e6,
    self: sharesOf(self, busyUs),
    inclusive: sharesOf(inclusive, busyUs),
  }
}

/** Each function of the stack once, however often it calls itself. */
function callersOf(
  id: number,
  frames: ReadonlyMap<number, Frame>,
  parents: ReadonlyMap<number, number>,
  root: string,
): ReadonlySet<string> {
  const names = new Set<string>()
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = frames.get(at)
    if (frame !== undefined && frame.functionName !== '(root)') names.add(nameOf(frame, root))
  }
  return names
}

function nameOf({ functionName, url, lineNumber }: Frame, root: string): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const path = url
    .replace(/^file:\/\//, '')
    .replace(`${root}/`, '')
    .replace(/^.*node_modules\//, '')
  return `${name}  ${path}:${lineNumber + 1}`
}

const add = (sums: Map<string, number>, name: string, us: number): void => {
  sums.set(name, (sums.get(name) ?? 0) + us)
}

const sharesOf = (sums: ReadonlyMap<string, number>, busyUs: number): readonly Share[] =>
  [...sums].map(([name, us]) => ({ name, share: us / Math.max(1, busyUs) })).sort((a, b) => b.share - a.share)
