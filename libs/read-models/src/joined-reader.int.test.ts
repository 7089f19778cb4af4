import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClickHouse } from '@millrace/clickhouse'
import { freePorts, startClickHouse } from '@millrace/infra-local'
import { unwrap } from '@millrace/kernel'
import {
  addressOf,
  eventJson,
  type Filter,
  type NostrEvent,
  parseFilter,
  type Tombstone,
  TombstoneSet,
} from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryEvent,
  arbitraryFilter,
  arbitraryTombstone,
  EPOCH_S,
  type NaiveFilter,
  NaiveRelay,
  type SignedEvent,
  SPAN_S,
  unsigned,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ReadContext, ServedEvent } from './event-reader.ts'
import { createEventReader, type EventReaderLimits } from './joined-reader.ts'
import { Overlay } from './overlay/overlay.ts'
import { emptyStore, openStore, type Placed, storeEvents } from './testdata/store-fixture.ts'

const PARTITIONS = 2
const KINDS = [0, 3, 1, 1, 4, 13, 14, 1059, 7, 10_002, 30_023, 30_023, 40_000]

// A server of its own: other suites empty the same tables.
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-reader-'))
let server: Awaited<ReturnType<typeof startClickHouse>>
let store: { reads: ClickHouse; writes: ClickHouse }

beforeAll(async () => {
  const [httpPort = 0, tcpPort = 0] = await freePorts(2)
  server = await startClickHouse({ dataDir, httpPort, tcpPort })
  store = await openStore(server.url)
})

afterAll(async () => {
  await store?.reads.close()
  await store?.writes.close()
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Two authors only, so that versions of one address are many; a gift wrap has a recipient, or it is refused at the edge. */
function crowded(event: SignedEvent): SignedEvent {
  const [first = '', second = ''] = AUTHORS
  const tags = event.kind === 1059 ? [...event.tags, ['p', first]] : event.tags
  return unsigned({ ...event, tags: tags.map((tag) => [...tag]) }, event.pubkey < second ? first : second)
}

interface Cut {
  /** Everything below is in ClickHouse. */
  readonly stored: number
  /** What storage has published: at most `stored`, because it writes first. */
  readonly watermark: number
}

const arbitraryCut: fc.Arbitrary<Cut> = fc
  .tuple(fc.nat(12), fc.nat(20))
  .map(([a, b]) => ({ stored: Math.max(a, b), watermark: Math.min(a, b) }))

const arbitraryAsk = (events: readonly SignedEvent[]) =>
  fc.record({
    filters: fc.array(arbitraryFilter(events), { minLength: 1, maxLength: 4 }),
    authed: fc.subarray([...AUTHORS]),
    nowS: fc.integer({ min: EPOCH_S - 5, max: EPOCH_S + SPAN_S + 10 }),
    pageRowsMax: fc.constantFrom(1, 2, 3, 500),
  })

/** Few kinds in one run, so that versions of one address meet on both sides of the cut. */
const arbitraryEvents = fc
  .subarray([...KINDS], { minLength: 1, maxLength: 3 })
  .chain((kinds) =>
    fc.array(arbitraryEvent({ kinds }).map(crowded), { minLength: 1, maxLength: 30, size: 'max' }),
  )

/** A log with redeliveries, stored up to some offset of each partition, and what is asked of it. */
const arbitraryRun = arbitraryEvents.chain((events) =>
  fc.record({
    log: fc.shuffledSubarray([...events, ...events.slice(0, 5)], { minLength: events.length }),
    tombstones: fc.array(arbitraryTombstone(events), { maxLength: 3 }),
    cuts: fc.tuple(arbitraryCut, arbitraryCut),
    isMerged: fc.boolean(),
    asks: fc.array(arbitraryAsk(events), { minLength: 1, maxLength: 5 }),
  }),
)

/** Places events in partitions by author, offsets counting up. */
function placed(log: readonly NostrEvent[]): Placed[] {
  const ends = new Array<number>(PARTITIONS).fill(0)
  return log.map((event) => {
    const partition = AUTHORS.indexOf(event.pubkey) % PARTITIONS
    const offset = ends[partition] ?? 0
    ends[partition] = offset + 1
    return { event, partition, offset }
  })
}

function overlayOf(records: readonly Placed[], cuts: readonly Cut[]): Overlay {
  const overlay = new Overlay({ overlayEventsMax: 1_000, overlayBytesMax: 1 << 26 })
  cuts.forEach(({ watermark }, partition) => {
    overlay.release(partition, watermark)
  })
  for (const record of records) overlay.add({ ...record, json: eventJson(record.event) })
  return overlay
}

function naiveRelay(log: readonly SignedEvent[], tombstones: readonly Tombstone[]): NaiveRelay {
  const relay = new NaiveRelay()
  // The oldest first, so that the model refuses none of them as superseded.
  const oldestFirst = log.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? 1 : -1))
  for (const event of oldestFirst) relay.admit(event, 0, new Set([event.pubkey]))
  for (const tombstone of tombstones) relay.tombstone(tombstone)
  return relay
}

/** Storage drops or repairs what is erased; a floor left at an address makes the same of rows that are still there. */
const mayBeStored = (event: NostrEvent, tombstones: TombstoneSet): boolean =>
  addressOf(event) === null || !tombstones.covers(event) || tombstones.isBelowFloor(event)

const wellFormed = (filters: readonly NaiveFilter[]): Filter[] =>
  filters.flatMap((filter) => {
    const parsed = parseFilter(filter)
    return parsed.ok ? [parsed.value] : []
  })

async function answer(
  parts: { overlay: Overlay; tombstones: TombstoneSet },
  filters: readonly Filter[],
  context: ReadContext,
  limits: Partial<EventReaderLimits>,
): Promise<ServedEvent[]> {
  const reader = createEventReader({ clickhouse: store.reads, ...parts, limits })
  const served: ServedEvent[] = []
  for await (const chunk of reader.query(filters, context)) served.push(...unwrap(chunk))
  return served
}

test('the union of overlay and store answers like one naive relay, wherever the log is cut', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryRun, async ({ log, tombstones, cuts, isMerged, asks }) => {
      const tombstoneSet = new TombstoneSet()
      for (const tombstone of tombstones) tombstoneSet.apply(tombstone)
      const records = placed(log)
      const stored = records.filter(
        ({ event, partition, offset }) =>
          offset < (cuts[partition]?.stored ?? 0) && mayBeStored(event, tombstoneSet),
      )
      await emptyStore(store.writes)
      await storeEvents(store.writes, stored.slice(0, 7))
      await storeEvents(store.writes, stored.slice(5))
      if (isMerged)
        for (const table of ['events', 'winners'])
          unwrap(await store.writes.command(`OPTIMIZE TABLE nostr_store.${table} FINAL`))
      const parts = { overlay: overlayOf(records, cuts), tombstones: tombstoneSet }
      const naive = naiveRelay(log, tombstones)
      const byId = new Map(log.map((event) => [event.id, event]))
      for (const { filters, authed, nowS, pageRowsMax } of asks) {
        const asked = filters.filter((filter) => parseFilter(filter).ok)
        const context = { authedPubkeys: new Set(authed), nowS }
        const served = await answer(parts, wellFormed(asked), context, { pageRowsMax })
        const expected = naive.query(asked, nowS, context.authedPubkeys)
        expect(served.map((event) => event.id)).toEqual(expected.map((event) => event.id))
        for (const event of served) {
          expect(JSON.parse(event.json)).toEqual(byId.get(event.id))
          expect([event.kind, event.pubkey, event.createdAt]).toEqual(
            [byId.get(event.id)].map((e) => [e?.kind, e?.pubkey, e?.created_at])[0],
          )
        }
      }
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
  )
}, 240_000)
