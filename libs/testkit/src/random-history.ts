import { type SignedEvent, unsigned } from './signer.ts'

export type Random = () => number
export const below = (random: Random, end: number): number => Math.floor(random() * end)
export const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T

/** Numbers from a seed, so that a failure names what it needs to come again. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Who decides an event's partition, in a world in which every gift wrap has a recipient. */
export const ownerOfNaive = (event: SignedEvent): string =>
  (event.kind === 1059 && event.tags.find(([name]) => name === 'p')?.[1]) || event.pubkey

export interface HistoryWorld {
  readonly keys: readonly string[]
  /** What a request to vanish means here. */
  readonly relayUrl: string
  /** About which expirations lie; everything is dated before it. */
  readonly nowS: number
}

/** Random events of a small world in a random order, some twice: addresses collide, wraps have two recipients, deletions come early. */
export function randomHistory(random: Random, world: HistoryWorld): readonly SignedEvent[] {
  const subjects = Array.from({ length: 2 + below(random, 6) }, () => randomSubject(random, world))
  const all = [...subjects]
  // Requests are named too: nobody deletes them.
  for (let requests = 1 + below(random, 4); requests > 0; requests--)
    all.push(randomRequest(random, world, random() < 0.15 ? all : subjects))
  // Copies of what may be erased by then: imports and late edges bring them.
  for (let copies = below(random, 4); copies > 0; copies--) all.push(pick(random, all))
  return shuffled(random, all)
}

const at = (random: Random, nowS: number): number => nowS - 60 + below(random, 12)

function randomSubject(random: Random, { keys, nowS }: HistoryWorld): SignedEvent {
  const pubkey = pick(random, keys)
  const kind = pick(random, [1, 0, 0, 30023, 30023, 1059, 10002, 7])
  const tags: string[][] = []
  if (kind === 30023) tags.push(['d', pick(random, ['x', 'x', ''])])
  if (kind === 1059)
    for (const key of shuffled(random, keys).slice(0, 1 + below(random, 2))) tags.push(['p', key])
  if (random() < 0.15) tags.push(['expiration', String(nowS + pick(random, [-5, 0, 1000, 5000]))])
  return unsigned({ kind, created_at: at(random, nowS), tags, content: String(random()) }, pubkey)
}

function randomRequest(
  random: Random,
  { keys, relayUrl, nowS }: HistoryWorld,
  subjects: readonly SignedEvent[],
): SignedEvent {
  const pubkey = pick(random, keys)
  if (random() < 0.25) {
    const relay = pick(random, ['ALL_RELAYS', relayUrl, 'wss://elsewhere.example'])
    return unsigned(
      { kind: 62, created_at: at(random, nowS), tags: [['relay', relay]], content: String(random()) },
      pubkey,
    )
  }
  const tags: string[][] = [['k', '1']]
  for (let targets = 1 + below(random, 3); targets > 0; targets--) {
    const subject = pick(random, subjects)
    const d = subject.tags.find(([name]) => name === 'd')?.[1] ?? ''
    if (random() < 0.6) tags.push(['e', subject.id])
    else tags.push(['a', `${subject.kind}:${subject.pubkey}:${d}`])
  }
  // Mostly the author's own things, sometimes a stranger's or a recipient's wish.
  const wisher =
    random() < 0.7 ? (subjects.find(({ id }) => tags.some((tag) => tag[1] === id))?.pubkey ?? pubkey) : pubkey
  return unsigned({ kind: 5, created_at: at(random, nowS), tags, content: String(random()) }, wisher)
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items]
  const out: T[] = []
  while (left.length > 0) out.push(...left.splice(below(random, left.length), 1))
  return out
}
