import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, createClickHouse, migrate, writeWatermarks } from '@millrace/clickhouse'
import type { ClickHouseConfig } from '@millrace/config'
import { createMemoryLog, type MemoryLog } from '@millrace/kafka'
import { ManualClock, unwrap } from '@millrace/kernel'
import type { NostrEvent, Tombstone } from '@millrace/nostr'
import { createMetrics } from '@millrace/observability'
import { createEventsSink, type EventsSink, eventsMigrations } from '@millrace/projection-events'
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
  servedFirst,
  unsigned,
} from '@millrace/testkit'
import { freePorts, type RunningClickHouse, startClickHouse } from '@millrace/testkit/stack'
import { TOPICS } from '@millrace/topics'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { endpointsOf } from './endpoints.ts'
import { KafkaLogEnds } from './freshness/log-ends.ts'
import { createStoreFreshness } from './freshness/store-freshness.ts'
import { revalidate } from './testing/revalidate.ts'
import { type Serving, serve } from './testing/serving.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 12)
const NOW_S = EPOCH_S + SPAN_S + 10
const [ALICE = '', BOB = ''] = AUTHORS
const TABLES = [
  'events',
  'event_tags',
  'event_times',
  'event_authors',
  'winners',
  'winner_repairs',
  'expiring_versions',
  'tombstone_events',
  'tombstone_addresses',
  'tombstone_pubkeys',
  'watermarks',
]

// A server of its own: it is stopped in between, and other suites empty the same tables.
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-query-api-'))
let ports: number[]
let server: RunningClickHouse
let writes: ClickHouse
let reads: ClickHouse
let sink: EventsSink
let log: MemoryLog
let api: Serving

const start = async () => {
  const [httpPort = 0, tcpPort = 0] = ports
  server = await startClickHouse({ dataDir, httpPort, tcpPort, env: {} })
}

beforeAll(async () => {
  ports = await freePorts(2)
  await start()
  const root = { username: 'default', password: '' }
  const user = { username: 'millrace_api', password: '' }
  const users = { insert: root, req: user, api: user, maintenance: root }
  const config: ClickHouseConfig = { url: server.url, caFile: null, users }
  writes = createClickHouse(config, 'maintenance')
  reads = createClickHouse(config, 'api')
  unwrap(await migrate(writes, eventsMigrations()))
  sink = createEventsSink(writes)
  log = createMemoryLog({
    topics: [{ name: TOPICS.events, partitionCount: 1, replicationFactor: 1, configs: {} }],
  })
  const metrics = createMetrics('query-api')
  const endpoints = endpointsOf({
    clickhouse: reads,
    freshness: createStoreFreshness(reads, new KafkaLogEnds(log, 1_000), 0),
    metrics,
    api: { healthTargets: [], healthTimeoutMs: 2_000, responseBytesMax: 100_000, requestTimeoutMs: 10_000 },
    clock: new ManualClock(NOW_S * 1000),
  })
  api = await serve(endpoints, { metrics })
})

afterAll(async () => {
  await api?.[Symbol.asyncDispose]()
  await reads?.close()
  await writes?.close()
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const empty = async () => {
  for (const table of TABLES) unwrap(await writes.command(`TRUNCATE TABLE nostr_store.${table} SYNC`))
}
beforeEach(empty)

async function store(events: readonly NostrEvent[]): Promise<void> {
  const records = events.map((event, offset) => ({
    value: { event, receipt: { receivedAtMs: 1, source: 'client' as const, edge: 'edge-1' } },
    topic: TOPICS.events,
    partition: 0,
    offset,
    appendedAtMs: 1,
  }))
  unwrap(await sink.apply(records))
}

interface Page {
  readonly events: readonly NostrEvent[]
  readonly nextCursor: string | null
  readonly snapshotAsOf: string | null
  readonly isPartial: boolean
}

const get = async (path: string) => {
  const response = await fetch(api.url + path)
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown }
}

const page = async (query: string): Promise<Page> => {
  const { status, body } = await get(`/api/events?${query}`)
  expect([status, body]).toEqual([200, expect.anything()])
  return body as Page
}

/** A filter as the query string of a REST call. */
const queryOf = (filter: NaiveFilter): URLSearchParams => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    if (!name.startsWith('#')) query.set(name, Array.isArray(value) ? value.join(',') : String(value))
    else for (const tagValue of value as string[]) query.append(name, tagValue)
  }
  return query
}

/** All pages, one after the other. */
async function allPages(query: URLSearchParams, limit: number): Promise<NostrEvent[]> {
  const events: NostrEvent[] = []
  query.set('limit', String(limit))
  for (let cursor: string | null = ''; cursor !== null; ) {
    if (cursor !== '') query.set('cursor', cursor)
    const { events: found, nextCursor } = await page(query.toString())
    expect(found.length).toBeLessThanOrEqual(limit)
    if (nextCursor !== null) expect(found.length).toBeGreaterThan(0)
    events.push(...found)
    cursor = nextCursor
  }
  return events
}

const KINDS = [0, 3, 1, 1, 4, 13, 14, 1059, 7, 62, 5, 10_002, 30_023, 30_023, 40_000]

/** Few seconds and authors, so that versions and ties are many; a gift wrap has a recipient, or no edge takes it. */
const crowded = (event: SignedEvent): SignedEvent => {
  const tags = event.kind === 1059 ? [...event.tags, ['p', ALICE]] : event.tags
  const template = { ...event, created_at: EPOCH_S + (event.created_at % 5), tags }
  return unsigned(template, event.pubkey < BOB ? ALICE : BOB)
}

const world = fc
  .array(arbitraryEvent({ kinds: KINDS }).map(crowded), { minLength: 1, maxLength: 30 })
  .chain((events) =>
    fc.record({
      events: fc.constant(events),
      tombstones: fc.array(arbitraryTombstone(events), { maxLength: 4 }),
      filters: fc.array(arbitraryFilter(events), { minLength: 2, maxLength: 4 }),
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  )

test('all pages together are what the naive relay shows to nobody in particular', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ events, tombstones, filters, limit }) => {
      await empty()
      const naive = new NaiveRelay()
      // Older versions first: the edge refuses superseded ones, the store may have taken them in by then.
      for (const event of events.toSorted(servedFirst).reverse()) naive.admit(event, 0, new Set(AUTHORS))
      for (const tombstone of tombstones) naive.tombstone(tombstone)
      await store(events)
      unwrap(await sink.applyTombstones(tombstones as Tombstone[]))
      for (const { limit: _, ...filter } of filters) {
        // The tag parameters of a query cannot say "an empty list".
        if (Object.entries(filter).some(([name, value]) => name.startsWith('#') && String(value) === ''))
          continue
        const expected = naive.query([{ ...filter, limit: 5_000 }], NOW_S)
        expect(await allPages(queryOf(filter), limit)).toEqual(expected)
      }
    }),
    { numRuns: RUNS },
  )
}, 300_000)

const note = (content: string, more: Partial<NostrEvent> = {}, pubkey = ALICE) =>
  unsigned({ kind: 1, content, created_at: EPOCH_S, ...more }, pubkey)

describe('one event', () => {
  test('by its id, revalidated by it', async () => {
    const event = note('hello', { tags: [['t', 'nostr']] })
    await store([event])
    const { status, headers, body } = await get(`/api/events/${event.id}`)
    expect([status, body]).toEqual([200, event])
    expect(headers.get('cache-control')).toBe('public, no-cache')
    const etag = headers.get('etag') ?? ''
    expect(await revalidate(`${api.url}/api/events/${event.id}`, etag)).toBe(304)
  })

  test('that is private, expired, superseded, erased or nowhere is not found', async () => {
    const older = note('{}', { kind: 0 })
    const newer = note('{"name":"a"}', { kind: 0, created_at: EPOCH_S + 1 })
    const secret = note('secret', { kind: 4, tags: [['p', BOB]] })
    const expired = note('gone', { tags: [['expiration', String(NOW_S)]] })
    const deleted = note('deleted')
    await store([older, newer, secret, expired, deleted])
    unwrap(await sink.applyTombstones([erasureOf(deleted)]))
    for (const { id } of [older, secret, expired, deleted, note('never stored')])
      expect(await get(`/api/events/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } })
    expect((await get(`/api/events/${newer.id}`)).status).toBe(200)
  })

  test('with an id that is none is the caller’s mistake', async () => {
    expect(await get('/api/events/xyz')).toMatchObject({ status: 400, body: { code: 'query-malformed' } })
  })
})

const erasureOf = (event: NostrEvent): Tombstone => ({
  author: event.pubkey,
  requestId: 'f'.repeat(64),
  requestCreatedAt: EPOCH_S + 1,
  target: { type: 'event', id: event.id },
  floor: null,
  reason: 'deletion',
  recordedAtMs: 1,
})

test('a page of large events ends before its bound and goes on from there', async () => {
  const events = ['a', 'b', 'c'].map((letter) => note(letter.repeat(60_000)))
  await store(events)
  const first = await page('')
  expect(first.events).toHaveLength(1)
  const ids = (await allPages(new URLSearchParams(), 100)).map(({ id }) => id)
  expect(ids).toEqual(events.map(({ id }) => id).sort())
})

test('a second that holds more than a page of the reader has no gap', async () => {
  const events = Array.from({ length: 1_203 }, (_, index) => note(String(index)))
  await store([...events, note('older', { created_at: EPOCH_S - 1 })])
  const found = await allPages(new URLSearchParams({ kinds: '1' }), 400)
  expect(found.map(({ content }) => content).at(-1)).toBe('older')
  expect(new Set(found.map(({ id }) => id)).size).toBe(1_204)
}, 120_000)

test('the same events make the same ETag, others another', async () => {
  const etag = async () => (await get('/api/events')).headers.get('etag')
  await store([note('one')])
  const first = await etag()
  expect(await etag()).toBe(first)
  await store([note('two')])
  expect(await etag()).not.toBe(first)
})

test('freshness is computed from the watermarks and the end of the log', async () => {
  const producer = await log.producer()
  const append = async () =>
    unwrap(await producer.append({ topic: TOPICS.events, partition: 0, key: 'k', value: null }))
  const { offset } = await append()
  const logId = '7a1f3f0e-0d0c-4b5a-9d39-2f6f7a3b1c11'
  const storedUpTo = async (nextOffset: number) => {
    const moves = [{ partition: 0, nextOffset, appendedAtMs: 1_800_000_000_000 }]
    unwrap(await writeWatermarks(writes, 'storage', TOPICS.events, logId, moves))
  }
  await storedUpTo(offset + 1)
  const beforeMs = Date.now()
  const fresh = await page('')
  expect(fresh.isPartial).toBe(false)
  expect(Date.parse(fresh.snapshotAsOf ?? '')).toBeGreaterThanOrEqual(beforeMs)
  await append()
  expect(await page('')).toMatchObject({ isPartial: true, snapshotAsOf: '2027-01-15T08:00:00.000Z' })
  await producer.close()
})

test('statistics count what is shown, once for everybody within their age', async () => {
  const profile = (second: number) => note('{}', { kind: 0, created_at: EPOCH_S + second })
  await store([profile(1), profile(2), note('a'), note('b'), note('secret', { kind: 4, tags: [['p', BOB]] })])
  const { status, headers, body } = await get('/api/stats')
  expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=5'])
  expect(body).toMatchObject({
    events: 3,
    newestCreatedAt: EPOCH_S + 2,
    kinds: [
      { kind: 1, events: 2, newestCreatedAt: EPOCH_S },
      { kind: 0, events: 1, newestCreatedAt: EPOCH_S + 2 },
    ],
  })
  await store([note('c')])
  expect((await get('/api/stats')).body).toEqual(body)
})

test('requests and their time in ClickHouse are measured by endpoint', async () => {
  await page('limit=1')
  const text = await api.metrics.expose()
  expect(text).toContain('api_requests_total{endpoint="events",status="200"')
  expect(text).toMatch(/api_clickhouse_query_duration_seconds_count\{app="query-api",endpoint="events"\} \d+/)
})

test('without ClickHouse: problems with 503 and a health that says why; afterwards all is well again', async () => {
  const event = note('still here')
  await store([event])
  await server.kill()
  for (const path of ['/api/events', `/api/events/${event.id}`]) {
    const { status, headers, body } = await get(path)
    expect([status, body]).toMatchObject([503, { code: 'clickhouse-unavailable' }])
    expect([headers.get('retry-after'), headers.get('cache-control')]).toEqual(['1', 'no-store'])
  }
  expect(await get('/health')).toMatchObject({
    status: 503,
    body: { checks: { clickhouse: expect.stringContaining('ECONNREFUSED') } },
  })
  expect((await get('/schemas/types')).status).toBe(200)
  await start()
  expect((await get('/health')).status).toBe(200)
  expect((await get(`/api/events/${event.id}`)).body).toEqual(event)
}, 60_000)
