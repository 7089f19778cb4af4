import type { LoggedEvent } from '@millrace/event-store'
import { type Tombstone, TombstoneSet } from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryEvent,
  arbitraryTombstone,
  NaiveRelay,
  type NaiveTombstone,
  naiveAddress,
  naiveClass,
  type SignedEvent,
} from '@millrace/testkit'
import * as fc from 'fast-check'

export const PARTITIONS = 2
/** Of every class, those with versions often, so that they meet. */
const KINDS = [1, 1, 7, 4, 1059, 13, 0, 0, 3, 10_002, 30_023, 30_023, 40_000]

export type Random = () => number

/** Numbers from a seed, so that a failure names what it needs to come again (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const below = (random: Random, count: number): number => Math.floor(random() * count)

/** A random log of events and tombstones that grows, and what the naive relay makes of it. */
export class NaiveHistory {
  readonly random: Random
  readonly log: LoggedEvent[] = []
  /** By partition. */
  readonly ends = new Array<number>(PARTITIONS).fill(0)
  readonly given: (NaiveTombstone & Tombstone)[] = []
  /** The same as a set. */
  readonly tombstones = new TombstoneSet()
  readonly #pool: SignedEvent[]
  #last: { readonly key: string; readonly relay: NaiveRelay } | null = null

  constructor(seed: number) {
    this.random = seeded(seed)
    const few = fc.subarray([...KINDS], { minLength: 2, maxLength: 6 })
    const [kinds = KINDS] = fc.sample(few, { numRuns: 1, seed })
    const first = fc.sample(arbitraryEvent({ kinds }), { numRuns: 30, seed })
    const second = fc.sample(arbitraryEvent({ kinds, known: first }), { numRuns: 50, seed })
    this.#pool = [...first, ...second].filter(isAccepted)
  }

  get isDone(): boolean {
    return this.#pool.length === 0
  }

  /** Appends events, some of them once more. */
  append(count: number): readonly LoggedEvent[] {
    const from = this.log.length
    for (let left = count; left > 0; left--) {
      const isAgain = this.log.length > 0 && this.random() < 0.1
      const event = isAgain ? this.log[below(this.random, this.log.length)]?.event : this.#pool.shift()
      if (event === undefined) break
      const partition = AUTHORS.indexOf(event.pubkey) % PARTITIONS
      const offset = this.ends[partition] ?? 0
      this.ends[partition] = offset + 1
      this.log.push({ event, json: JSON.stringify(event), partition, offset })
    }
    return this.log.slice(from)
  }

  /** Any, and often one without a floor on a version that rules. */
  someTombstones(): readonly NaiveTombstone[] {
    const aims = this.log.slice(-30).map(({ event }) => event as SignedEvent)
    if (aims.length === 0) return []
    const seed = below(this.random, 2 ** 31)
    const any = fc.sample(arbitraryTombstone(aims), { numRuns: 1 + below(this.random, 2), seed })
    // Vanishing would soon leave nothing to compare.
    const kept = any.filter(({ target }) => target.type !== 'pubkey' || this.random() < 0.2)
    const versions = this.naive().current()
    const ruling = versions.filter((event) => naiveAddress(event) !== '')
    const aim = ruling[below(this.random, ruling.length)]
    const [like] = any
    if (aim === undefined || like === undefined || this.random() < 0.5) return kept
    return [...kept, { ...like, author: aim.pubkey, target: { type: 'event', id: aim.id }, floor: null }]
  }

  /** Answers which events it brings back: older versions, where it leaves no floor. */
  erase(tombstone: NaiveTombstone): readonly SignedEvent[] {
    const before = new Set(
      this.naive()
        .current()
        .map(({ id }) => id),
    )
    this.tombstones.apply(tombstone)
    this.given.push(tombstone)
    return this.naive()
      .current()
      .filter(({ id }) => !before.has(id))
  }

  /** What everything comes to, whatever order the log has it in. */
  naive(): NaiveRelay {
    return this.naiveOf(this.log)
  }

  /** What some of the events come to. The oldest are admitted first, so that none is refused as superseded. */
  naiveOf(events: readonly LoggedEvent[]): NaiveRelay {
    const places = events.map(({ partition, offset }) => partition + offset * PARTITIONS)
    const key = `${this.given.length} ${places.join()}`
    if (this.#last?.key === key) return this.#last.relay
    const relay = new NaiveRelay()
    const everybody = new Set(AUTHORS)
    const oldestFirst = events
      .map(({ event }) => event as SignedEvent)
      .sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? 1 : -1))
    for (const event of oldestFirst) relay.admit(event, 0, everybody)
    for (const tombstone of this.given) relay.tombstone(tombstone)
    this.#last = { key, relay }
    return relay
  }
}

/** Ephemeral events and gift wraps for nobody never reach the log. */
const isAccepted = (event: SignedEvent): boolean =>
  naiveClass(event.kind) !== 'ephemeral' &&
  (event.kind !== 1059 ||
    event.tags.some(([name, value]) => name === 'p' && /^[0-9a-f]{64}$/.test(value ?? '')))
