import { unwrap } from '@millrace/kernel'
import {
  AUTHORS,
  arbitraryFilter,
  arbitraryHistory,
  arbitraryTombstone,
  EPOCH_S,
  NaiveRelay,
  type SignedEvent,
  SPAN_S,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressOf,
  compareServed,
  deletionTargets,
  type Filter,
  floorLeftBy,
  isExpired,
  isNewerVersion,
  matchesFilter,
  mayRead,
  type NostrEvent,
  ownerOf,
  parseFilters,
  type Tombstone,
  TombstoneSet,
  vanishTarget,
} from './index.ts'

const RELAY_URLS = ['wss://relay.example']

/** A read model built incrementally from the rules of this library: one winner per address, tombstones folded. */
class IncrementalRelay {
  readonly tombstones = new TombstoneSet()
  readonly regular = new Map<string, NostrEvent>()
  readonly versions = new Map<string, NostrEvent[]>()

  store(event: NostrEvent): void {
    const address = addressOf(event)
    if (address === null) this.regular.set(event.id, event)
    else this.versions.set(address, [...(this.versions.get(address) ?? []), event])
    for (const tombstone of this.tombstonesOf(event)) this.tombstones.apply(tombstone)
  }

  tombstonesOf(request: NostrEvent): Tombstone[] {
    const vanish = vanishTarget(request, RELAY_URLS)
    const targets = request.kind === 5 ? deletionTargets(request) : vanish === null ? [] : [vanish]
    const known = [...this.versions.values()].flat()
    return targets.map((target): Tombstone => {
      const erased = target.type === 'event' ? known.find((event) => event.id === target.id) : undefined
      return {
        author: request.pubkey,
        requestId: request.id,
        requestCreatedAt: request.created_at,
        target,
        floor: erased !== undefined && erased.pubkey === request.pubkey ? floorLeftBy(erased) : null,
        reason: vanish === null ? 'deletion' : 'vanish',
        recordedAtMs: 0,
      }
    })
  }

  query(filters: readonly Filter[], nowS: number, authed: ReadonlySet<string>): NostrEvent[] {
    const found = new Map<string, NostrEvent>()
    const visible = [...this.regular.values(), ...this.winners()]
      .filter((event) => !this.tombstones.covers(event) && !isExpired(event, nowS) && mayRead(event, authed))
      .sort(compareServed)
    for (const filter of filters)
      for (const event of visible.filter((each) => matchesFilter(filter, each)).slice(0, filter.limit ?? 500))
        found.set(event.id, event)
    return [...found.values()].sort(compareServed)
  }

  winners(): NostrEvent[] {
    return [...this.versions.values()].flatMap((versions) => {
      const alive = versions.filter(
        (event) => !this.tombstones.covers(event) && !this.tombstones.isBelowFloor(event),
      )
      return alive.length === 0
        ? []
        : [alive.reduce((best, each) => (isNewerVersion(each, best) ? each : best))]
    })
  }
}

const arbitraryScene = arbitraryHistory().chain((history) =>
  fc.record({
    history: fc.constant(history),
    extra: history.length === 0 ? fc.constant([]) : fc.array(arbitraryTombstone(history), { maxLength: 4 }),
    filters: fc.array(arbitraryFilter(history), { minLength: 1, maxLength: 3 }),
    asker: fc.subarray([...AUTHORS]),
    nowS: fc.integer({ min: EPOCH_S - 10, max: EPOCH_S + SPAN_S + 10 }),
  }),
)

const idsOf = (events: readonly (SignedEvent | NostrEvent)[]) => events.map(({ id }) => id)

test('random histories of events, versions, deletions and vanishings read as in the naive relay', () => {
  let answered = 0
  fc.assert(
    fc.property(arbitraryScene, ({ history, extra, filters, asker, nowS }) => {
      const naive = new NaiveRelay({ honoursDeletions: true, relayUrls: RELAY_URLS })
      const incremental = new IncrementalRelay()
      const authed = new Set(asker)
      for (const event of history)
        if (naive.admit(event, EPOCH_S, new Set(AUTHORS)) === 'stored') {
          expect(ownerOf(event).ok).toBe(true)
          incremental.store(event)
        }
      for (const tombstone of extra) {
        naive.tombstone(tombstone)
        incremental.tombstones.apply(tombstone)
      }
      const everything = [{}, ...filters]
      for (const asked of [everything, filters]) {
        const expected = naive.query(asked, nowS, authed)
        expect(idsOf(incremental.query(unwrap(parseFilters(asked)), nowS, authed))).toEqual(idsOf(expected))
        answered += expected.length
      }
    }),
    { numRuns: 500 },
  )
  expect(answered).toBeGreaterThan(1000)
})
