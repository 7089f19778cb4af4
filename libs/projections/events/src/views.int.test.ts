import { unwrap } from '@millrace/kernel'
import { kindClass, type NostrEvent, type Tombstone } from '@millrace/nostr'
import { AUTHORS, arbitraryEvent, arbitraryTombstone, NaiveRelay, type SignedEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import { connect, emptyStore, recordsOf, rowsOf, STORE_TABLES } from './testing.ts'

const ch = connect()
const PRIVATE_KINDS = [4, 13, 14, 15, 1059, 21059]
const NOW_S = Math.floor(Date.now() / 1000)

beforeAll(() => emptyStore(ch))
afterAll(() => ch.close())

/** What is in the log, in any order: the model takes the oldest versions first, so that it refuses none of them. */
function model(events: readonly SignedEvent[], tombstones: readonly Tombstone[]): NaiveRelay {
  const relay = new NaiveRelay()
  const oldestFirst = events.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? 1 : -1))
  for (const event of oldestFirst) relay.admit(event, 0, new Set([event.pubkey]))
  for (const tombstone of tombstones) relay.tombstone(tombstone)
  return relay
}

const isPublic = (event: SignedEvent): boolean => !PRIVATE_KINDS.includes(event.kind)
const idsOf = (events: readonly SignedEvent[]): string[] => events.map(({ id }) => id).sort()

interface Expected {
  readonly events: string[]
  readonly current: string[]
  readonly tags: string[]
}

function expectedOf(events: readonly SignedEvent[], tombstones: readonly Tombstone[]): Expected {
  const distinct = [...new Map(events.map((event) => [event.id, event])).values()]
  const current = model(distinct, tombstones).visible(NOW_S).filter(isPublic)
  const alive = distinct.filter((event) => model([event], tombstones).visible(NOW_S).some(isPublic))
  const tagged = alive.filter((event) => event.kind !== 3 || current.some(({ id }) => id === event.id))
  const pairs = tagged.flatMap(({ id, tags }) =>
    tags.flatMap(([name = '', value]) =>
      value !== undefined && /^[a-zA-Z]$/.test(name) ? [JSON.stringify([name, value, id])] : [],
    ),
  )
  return { events: idsOf(alive), current: idsOf(current), tags: [...new Set(pairs)].sort() }
}

async function actual(): Promise<Expected> {
  const events = await rowsOf<{ id: string }>(ch, 'SELECT id FROM nostr.events ORDER BY id')
  const current = await rowsOf<{ id: string }>(ch, 'SELECT id FROM nostr.events_current ORDER BY id')
  const tags = await rowsOf<{ tag: string; value: string; id: string }>(
    ch,
    'SELECT tag, value, id FROM nostr.event_tags',
  )
  return {
    events: events.map(({ id }) => id),
    current: current.map(({ id }) => id),
    tags: tags.map(({ tag, value, id }) => JSON.stringify([tag, value, id])).sort(),
  }
}

const KINDS = [0, 0, 3, 3, 1, 4, 5, 62, 1059, 10002, 30023, 30023, 45, 40000]

/** A log with redeliveries, cut into batches, with erasures somewhere in between. */
const arbitraryRun = fc
  .array(arbitraryEvent({ kinds: KINDS }), { minLength: 1, maxLength: 14 })
  .map((events) =>
    events.map((event) =>
      event.kind === 1059 ? { ...event, tags: [...event.tags, ['p', AUTHORS[0] ?? '']] } : event,
    ),
  )
  .chain((events) =>
    fc.record({
      events: fc.shuffledSubarray([...events, ...events.slice(0, 4)], { minLength: events.length }),
      tombstones: fc.array(arbitraryTombstone(events), { maxLength: 5 }),
      cuts: fc.array(fc.nat(20), { maxLength: 3 }),
      tombstonesAfter: fc.nat(4),
      optimize: fc.boolean(),
    }),
  )

test('every documented view equals the naive relay, for any order, cut, redelivery and merge', async () => {
  const sink = createEventsSink(ch)
  await fc.assert(
    fc.asyncProperty(arbitraryRun, async ({ events, tombstones, cuts, tombstonesAfter, optimize }) => {
      for (const table of STORE_TABLES) unwrap(await ch.command(`TRUNCATE TABLE nostr_store.${table}`))
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), events.length]
      const records = recordsOf(events as NostrEvent[])
      for (const [index, from] of bounds.slice(0, -1).entries()) {
        if (index === tombstonesAfter) unwrap(await sink.applyTombstones(tombstones))
        unwrap(await sink.apply(records.slice(from, bounds[index + 1])))
      }
      unwrap(await sink.applyTombstones(tombstones))
      const expected = expectedOf(events, tombstones)
      expect(await actual()).toEqual(expected)
      if (!optimize) return
      for (const table of STORE_TABLES) unwrap(await ch.command(`OPTIMIZE TABLE nostr_store.${table} FINAL`))
      unwrap(await sink.apply(records.slice(0, 2)))
      expect(await actual()).toEqual(expected)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
  )
}, 120_000)

test('kinds kept are those that have versions or are regular', () => {
  for (const kind of KINDS) expect(kindClass(kind)).not.toBe('ephemeral')
})
