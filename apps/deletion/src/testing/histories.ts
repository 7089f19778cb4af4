import { createHash } from 'node:crypto'
import { type SignedEvent, unsigned } from '@millrace/testkit'
import { partitionOfOwner } from '@millrace/topics'

export const PARTITIONS = 3
export const RELAY_URL = 'wss://relay.example'
export const NOW_S = 1_700_000_100

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

/** Keys of one case, one in each partition: nobody else has them, so that cases can share stores. */
export function keysOf(caseName: string): readonly string[] {
  const keys: string[] = []
  for (let at = 0; keys.length < PARTITIONS; at++) {
    const key = createHash('sha256').update(`${caseName} ${at}`).digest('hex')
    if (partitionOfOwner(key, PARTITIONS) === keys.length) keys.push(key)
  }
  return keys
}

export const ownerOfNaive = (event: SignedEvent): string =>
  (event.kind === 1059 && event.tags.find(([name]) => name === 'p')?.[1]) || event.pubkey

export const partitionOf = (event: SignedEvent): number => partitionOfOwner(ownerOfNaive(event), PARTITIONS)

/** Random events of a small world in a random order, some twice: addresses collide, wraps have two recipients, deletions come early. */
export function randomHistory(random: Random, caseName: string): readonly SignedEvent[] {
  const keys = keysOf(caseName)
  const subjects = Array.from({ length: 2 + below(random, 6) }, () => randomSubject(random, keys))
  const all = [...subjects]
  // Requests are named too: nobody deletes them.
  for (let requests = 1 + below(random, 4); requests > 0; requests--)
    all.push(randomRequest(random, keys, random() < 0.15 ? all : subjects))
  // Copies of what may be erased by then: imports and late edges bring them.
  for (let copies = below(random, 4); copies > 0; copies--) all.push(pick(random, all))
  return shuffled(random, all)
}

const at = (random: Random): number => NOW_S - 60 + below(random, 12)

function randomSubject(random: Random, keys: readonly string[]): SignedEvent {
  const pubkey = pick(random, keys)
  const kind = pick(random, [1, 0, 0, 30023, 30023, 1059, 10002, 7])
  const tags: string[][] = []
  if (kind === 30023) tags.push(['d', pick(random, ['x', 'x', ''])])
  if (kind === 1059)
    for (const key of shuffled(random, keys).slice(0, 1 + below(random, 2))) tags.push(['p', key])
  if (random() < 0.15) tags.push(['expiration', String(NOW_S + pick(random, [-5, 0, 1, 50]))])
  return unsigned({ kind, created_at: at(random), tags, content: String(random()) }, pubkey)
}

function randomRequest(
  random: Random,
  keys: readonly string[],
  subjects: readonly SignedEvent[],
): SignedEvent {
  const pubkey = pick(random, keys)
  if (random() < 0.25) {
    const relay = pick(random, ['ALL_RELAYS', RELAY_URL, 'wss://elsewhere.example'])
    return unsigned(
      { kind: 62, created_at: at(random), tags: [['relay', relay]], content: String(random()) },
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
  return unsigned({ kind: 5, created_at: at(random), tags, content: String(random()) }, wisher)
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items]
  const out: T[] = []
  while (left.length > 0) out.push(...left.splice(below(random, left.length), 1))
  return out
}
