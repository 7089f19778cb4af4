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
import type { EventReader, ReadContext, ServedEvent } from './event-reader.ts'
import { createEventReader } from './joined-reader.ts'
import { Overlay } from './overlay/overlay.ts'
import { emptyStore, mergeStore, openStore, type Placed, storeEvents } from './testdata/store-fixture.ts'

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
  })

type Ask = typeof arbitraryAsk extends (events: readonly SignedEvent[]) => fc.Arbitrary<infer T> ? T : never

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
    pageRowsMax: fc.constantFrom(1, 2, 3, 500),
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
  reader: EventReader,
  filters: readonly Filter[],
  context: ReadContext,
): Promise<ServedEvent[]> {
  const served: ServedEvent[] = []
  for await (const chunk of reader.query(filters, context)) served.push(...unwrap(chunk))
  return served
}

interface World {
  readonly reader: EventReader
  readonly naive: NaiveRelay
  readonly tombstones: TombstoneSet
  readonly byId: ReadonlyMap<string, SignedEvent>
}

/** All questions at once, so that they share statements. */
async function expectAnswers({ reader, naive, byId }: World, asks: readonly Ask[]): Promise<void> {
  await Promise.all(
    asks.map(async ({ filters, authed, nowS }) => {
      const asked = filters.filter((filter) => parseFilter(filter).ok)
      const context = { authedPubkeys: new Set(authed), nowS }
      const served = await answer(reader, wellFormed(asked), context)
      const expected = naive.query(asked, nowS, context.authedPubkeys)
      expect(served.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      for (const { id, kind, pubkey, createdAt, json } of served) {
        const event = byId.get(id)
        expect(JSON.parse(json)).toEqual(event)
        expect({ kind, pubkey, createdAt }).toEqual({
          kind: event?.kind,
          pubkey: event?.pubkey,
          createdAt: event?.created_at,
        })
      }
    }),
  )
}

/** What admission asks: ids of all that was acknowledged, and the version that rules each address. */
async function expectAdmissionFacts({ reader, naive, tombstones, byId }: World): Promise<void> {
  const ids = [...byId.values()].filter((event) => mayBeStored(event, tombstones)).map(({ id }) => id)
  const known = unwrap(await reader.lookup([...ids, 'f'.repeat(64)]))
  expect([...known.keys()].sort()).toEqual(ids.sort())
  const addresses = new Set([...byId.values()].map(addressOf).filter((address) => address !== null))
  const versions = unwrap(await reader.currentVersions([...addresses]))
  const current = new Map(naive.current().map((event) => [addressOf(event), event]))
  for (const address of addresses) {
    const version = byId.get(versions.get(address)?.id ?? '')
    // A version at or below its floor may be named: admission checks the floor itself.
    const ruling = version !== undefined && !tombstones.isBelowFloor(version) ? version.id : undefined
    expect(ruling).toBe(current.get(address)?.id)
  }
}

test('the union of overlay and store answers like one naive relay, wherever the log is cut', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryRun, async ({ log, tombstones: given, cuts, isMerged, asks, pageRowsMax }) => {
      const tombstones = new TombstoneSet()
      for (const tombstone of given) tombstones.apply(tombstone)
      const records = placed(log)
      const [stored, rest] = partition(
        records.filter(({ event }) => mayBeStored(event, tombstones)),
        ({ partition, offset }) => offset < (cuts[partition]?.stored ?? 0),
      )
      await emptyStore(store.writes)
      await storeEvents(store.writes, stored.slice(0, 7))
      await storeEvents(store.writes, stored.slice(5))
      if (isMerged) await mergeStore(store.writes)
      const overlay = overlayOf(records, cuts)
      const world = {
        reader: createEventReader({ clickhouse: store.reads, overlay, tombstones, limits: { pageRowsMax } }),
        naive: naiveRelay(log, given),
        tombstones,
        byId: new Map(log.map((event) => [event.id, event])),
      }
      await expectAnswers(world, asks)
      await expectAdmissionFacts(world)
      await storeEvents(store.writes, rest)
      for (const [index] of cuts.entries()) overlay.release(index, records.length)
      expect(overlay.isEmpty).toBe(true)
      await expectAnswers(world, asks)
      await expectAdmissionFacts(world)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 40) },
  )
}, 240_000)

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}
