import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, createClickHouse, migrate } from '@millrace/clickhouse'
import { encodeEnvelope, encodeTombstone, tombstoneKey } from '@millrace/codec'
import { clickHouseSection, kafkaSection, parseConfig } from '@millrace/config'
import { applyTopics, createKafkaLog, type Log, readLogId } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { ownerOf, type Tombstone } from '@millrace/nostr'
import { eventsMigrations } from '@millrace/projection-events'
import {
  AUTHORS,
  arbitraryEvent,
  arbitraryFilter,
  arbitraryTombstone,
  KINDS_OF_INTEREST,
  type NaiveFilter,
  NaiveRelay,
  RelayClient,
  type SignedEvent,
  sign,
  testKey,
  unsigned,
  until,
} from '@millrace/testkit'
import { freePorts, startClickHouse, startKafka } from '@millrace/testkit/stack'
import { catalogue, DEFAULT_TOPIC_OPTIONS, partitionOfOwner, TOPICS } from '@millrace/topics'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { RelayProcess } from '../testing/relay-process.ts'
import { storeNow } from '../testing/stand-in-storage.ts'

const PARTITIONS = 4
const EVENTS = 2_400
const SEED = Number(process.env['VIEW_INT_SEED'] ?? Math.floor(Math.random() * 1e9))
const MIB = 1024 * 1024

let dataDir: string
let servers: { stop(): Promise<unknown> }[] = []
let clickHousePorts: { dataDir: string; httpPort: number; tcpPort: number }
let kafka: Log
let ch: ClickHouse
let logId: string
let env: NodeJS.ProcessEnv
const running = new Set<RelayProcess>()
const naive = new NaiveRelay()
const log: SignedEvent[] = []

/** Deletions are in force on an edge as it reads them: what is erased here is erased by tombstones alone. */
const KINDS = KINDS_OF_INTEREST.filter((kind) => kind !== 5 && kind !== 62)

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-view-'))
  const [port = 0, controllerPort = 0, httpPort = 0, tcpPort = 0] = await freePorts(4)
  const kafkaServer = await startKafka({ dataDir: join(dataDir, 'kafka'), port, controllerPort })
  clickHousePorts = { dataDir: join(dataDir, 'clickhouse'), httpPort, tcpPort }
  const clickHouse = await startClickHouse(clickHousePorts)
  servers = [kafkaServer, clickHouse]
  env = {
    KAFKA_BROKERS: kafkaServer.brokers,
    CLICKHOUSE_URL: clickHouse.url,
    MILLRACE_DATA: join(dataDir, 'millrace'),
  }
  const config = unwrap(parseConfig({ kafka: kafkaSection, clickhouse: clickHouseSection }, env))
  kafka = createKafkaLog(config.kafka)
  ch = createClickHouse(config.clickhouse, 'maintenance')
  const options = { ...DEFAULT_TOPIC_OPTIONS, eventPartitionCount: PARTITIONS }
  const admin = await kafka.admin()
  unwrap(await applyTopics(admin, kafka, catalogue(options), options))
  await admin.close()
  logId = unwrap(await readLogId(kafka))
  unwrap(await migrate(ch, eventsMigrations()))
  for (const event of fc.sample(arbitraryEvent({ kinds: KINDS }), { numRuns: EVENTS, seed: SEED })) {
    // Filled up, so that a small view holds a part of them only.
    const { kind, created_at, tags, content, pubkey } = event
    const filled = unsigned({ kind, created_at, tags, content: content.padEnd(3_000, '.') }, pubkey)
    if (naive.admit(filled, 0, new Set(AUTHORS)) === 'stored') log.push(filled)
  }
}, 120_000)

afterEach(async () => {
  for (const relay of running) if (relay.isRunning) await relay.stop()
  running.clear()
})

afterAll(async () => {
  await ch?.close()
  await kafka?.close()
  for (const server of servers.reverse()) await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})

async function started(extra: NodeJS.ProcessEnv): Promise<RelayProcess> {
  const [relayPort, opsPort] = await freePorts(2)
  const relay = new RelayProcess({
    ...env,
    RELAY_PORT: String(relayPort),
    OPS_PORT: String(opsPort),
    WATERMARK_POLL_MS: '20',
    ...extra,
  })
  running.add(relay)
  await relay.ready()
  return relay
}

async function metric(relay: RelayProcess, name: string): Promise<number> {
  if (!relay.isRunning) throw new Error(`the relay has ended:\n${relay.output}`)
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await relay.metrics())?.[1] ?? Number.NaN)
}
const SERVING = 'relay_view_serving\\{app="relay"\\}'
const HORIZON = 'relay_view_horizon_timestamp_seconds\\{class="regular",app="relay"\\}'
const TOMBSTONES = 'relay_tombstones\\{app="relay"\\}'

async function append(events: readonly SignedEvent[]): Promise<void> {
  const producer = await kafka.producer()
  await Promise.all(
    events.map(async (event) => {
      const owner = ownerOf(event)
      if (!owner.ok) return
      const value = encodeEnvelope({ event, receipt: { receivedAtMs: 1, source: 'import', edge: 'test' } })
      const partition = partitionOfOwner(owner.value, PARTITIONS)
      unwrap(await producer.append({ topic: TOPICS.events, partition, key: event.id, value }))
    }),
  )
  await producer.close()
}

async function erase(tombstones: readonly Tombstone[]): Promise<void> {
  const producer = await kafka.producer()
  for (const tombstone of tombstones) {
    naive.tombstone(tombstone)
    const partition = partitionOfOwner(tombstone.author, PARTITIONS)
    const [key, value] = [tombstoneKey(tombstone), encodeTombstone(tombstone)]
    unwrap(await producer.append({ topic: TOPICS.tombstones, partition, key, value }))
  }
  await producer.close()
}

/** Both edges answer each filter as the naive relay does, to anybody and to one author. */
async function agree(relays: readonly RelayProcess[], count: number, seed: number): Promise<number> {
  const filters: NaiveFilter[] = fc.sample(arbitraryFilter(log.slice(-60)), { numRuns: count, seed })
  const nowS = Math.floor(Date.now() / 1000)
  let compared = 0
  for (const isAuthed of [false, true])
    for (const relay of relays) {
      const client = await RelayClient.connect(relay.url)
      if (isAuthed) await client.auth(testKey('a'))
      const authed = new Set(isAuthed ? AUTHORS.slice(0, 1) : [])
      for (const filter of filters) {
        const { events, closed } = await client.req([{ ...filter }])
        if (closed?.startsWith('auth-required:')) continue
        const wanted = naive.query([filter], nowS, authed).map(({ id }) => id)
        expect([closed, events.map(({ id }) => id)], JSON.stringify(filter)).toEqual([null, wanted])
        compared += wanted.length
      }
      await client.close()
    }
  return compared
}

test(`a view smaller than the log answers as no view does, and as one does that is filled anew (seed ${SEED})`, async () => {
  const half = Math.floor(log.length / 2)
  await append(log.slice(0, half))
  await storeNow(kafka, ch, logId)
  const bounds = { VIEW_BYTES_MAX: String(MIB), VIEW_WINNERS_BYTES_MAX: String(MIB) }
  let viewed = await started({ EDGE_ID: 'viewed', ...bounds })
  const viewless = await started({ EDGE_ID: 'viewless', SERVING_VIEW: 'off' })
  await until(async () => (await metric(viewed, HORIZON)) > 0, { what: 'the oldest have left the view' })

  // Storage stands still: what comes now is in the view and in the overlay of the other.
  await append(log.slice(half))
  const aims = fc.sample(arbitraryTombstone(log), { numRuns: 25, seed: SEED })
  const tombstones = aims.filter(({ target }) => target.type !== 'pubkey') as Tombstone[]
  await erase(tombstones)
  await until(
    async () => (await metric(viewed, TOMBSTONES)) > 0 && (await metric(viewless, TOMBSTONES)) > 0,
    { what: 'both have the tombstones' },
  )
  await settled(viewed, viewless)
  expect(await agree([viewed, viewless], 25, SEED)).toBeGreaterThan(60)

  await viewed.stop()
  await rm(join(dataDir, 'millrace', 'views', 'viewed'), { recursive: true })
  viewed = await started({ EDGE_ID: 'viewed', ...bounds })
  expect(await agree([viewed], 12, SEED + 1)).toBeGreaterThan(10)
  await until(async () => (await metric(viewed, SERVING)) === 1, { what: 'the view is filled' })
  await settled(viewed)
  expect(await agree([viewed], 40, SEED + 2)).toBeGreaterThan(50)
}, 180_000)

test('without ClickHouse a view with a horizon starts, answers above it, and loses nothing below it', async () => {
  await storeNow(kafka, ch, logId)
  const small = { EDGE_ID: 'viewed', VIEW_BYTES_MAX: String(MIB), VIEW_WINNERS_BYTES_MAX: String(MIB) }
  const first = await started(small)
  await until(async () => (await metric(first, HORIZON)) > 0, { what: 'the oldest have left the view' })
  // Below the horizon, and storage stands still: neither the view nor the store has it.
  const backdated = sign({ kind: 1, created_at: 1_000, content: 'backdated' }, testKey('a'))
  const recent = sign({ kind: 1, content: 'recent' }, testKey('a'))
  const publisher = await RelayClient.connect(first.url)
  for (const event of [backdated, recent])
    expect(await publisher.publish(event)).toMatchObject({ accepted: true })
  await settled(first)
  await publisher.close()
  await first.stop()
  await servers[1]?.stop()

  const relay = await started(small)
  const client = await RelayClient.connect(relay.url)
  expect((await client.req([{ ids: [recent.id] }])).events).toHaveLength(1)
  const askedMs = performance.now()
  expect((await client.req([{ kinds: [1], until: 1_000 }])).closed).toMatch(/^error: /)
  expect(performance.now() - askedMs).toBeLessThan(5_000)
  const late = sign({ kind: 1, created_at: 1_001, content: 'late' }, testKey('a'))
  expect(await client.publish(late)).toMatchObject({ accepted: true, message: '' })
  expect(performance.now() - askedMs).toBeLessThan(6_000)
  servers[1] = await startClickHouse(clickHousePorts)
  await until(async () => (await relay.readiness())?.checks['clickhouse'] === 'ok', {
    what: 'ClickHouse is seen to be back',
    deadlineMs: 20_000,
  })
  const found = (await client.req([{ kinds: [1], until: 1_001 }])).events
  expect(found.map(({ id }) => id)).toEqual([late.id, backdated.id])
  await client.close()
}, 120_000)

test('an edge with a view starts and serves without ClickHouse all that was acknowledged, and goes on when it is back', async () => {
  const first = await started({ EDGE_ID: 'alone' })
  const before = await RelayClient.connect(first.url)
  const key = testKey('int alone')
  const mine = (kind: number, created_at: number) => sign({ kind, created_at, content: `${created_at}` }, key)
  const events = [mine(0, 1000), mine(0, 1002), mine(1, 1001), mine(1, 1003)]
  for (const event of events.slice(0, 3))
    expect(await before.publish(event)).toMatchObject({ accepted: true, message: '' })
  await until(async () => (await metric(first, SERVING)) === 1, { what: 'the view serves' })
  await servers[1]?.stop()
  expect(await before.publish(events[3] as SignedEvent)).toMatchObject({ accepted: true, message: '' })
  await first.kill()

  const startMs = performance.now()
  const relay = await started({ EDGE_ID: 'alone' })
  expect(performance.now() - startMs).toBeLessThan(15_000)
  expect(await relay.readiness()).toMatchObject({
    ready: true,
    checks: { clickhouse: expect.stringMatching(/^degraded: waiting for ClickHouse/) as string },
  })
  const client = await RelayClient.connect(relay.url)
  const asked = async () => (await client.req([{ authors: [key.pubkey] }])).events.map(({ id }) => id)
  const [, profile, older, newer] = events.map(({ id }) => id)
  expect(await asked()).toEqual([newer, profile, older])
  const publishMs = performance.now()
  const [next, note2] = [mine(0, 1010), mine(1, 1011)]
  expect((await client.publish(events[2] as SignedEvent)).message).toMatch(/^duplicate: already/)
  expect((await client.publish(events[0] as SignedEvent)).message).toMatch(/^duplicate: replaced/)
  for (const event of [next, note2])
    expect(await client.publish(event)).toMatchObject({ accepted: true, message: '' })
  // Less than one wait for ClickHouse (LOOKUP_TIMEOUT_MS).
  expect(performance.now() - publishMs).toBeLessThan(1_000)
  const now = [note2.id, next.id, newer, older]
  expect(await asked()).toEqual(now)

  servers[1] = await startClickHouse(clickHousePorts)
  await until(async () => (await relay.readiness())?.checks['clickhouse'] === 'ok', {
    what: 'ClickHouse is seen to be back',
    deadlineMs: 20_000,
  })
  await storeNow(kafka, ch, logId)
  await until(() => relay.output.includes('stored ids are known'), {
    what: 'stored ids are known',
    deadlineMs: 20_000,
  })
  expect(await asked()).toEqual(now)
  expect((await client.publish(events[2] as SignedEvent)).message).toMatch(/^duplicate: already/)
  await client.close()
}, 120_000)

/** The edges have read the log to its end: what was appended last is served. */
async function settled(...relays: RelayProcess[]): Promise<void> {
  const last = AUTHORS.map((pubkey) => unsigned({ kind: 1, content: `last ${log.length} ${pubkey}` }, pubkey))
  for (const event of last) naive.admit(event, 0)
  log.push(...last)
  await append(last)
  for (const relay of relays) {
    const client = await RelayClient.connect(relay.url)
    await until(
      async () => (await client.req([{ ids: last.map(({ id }) => id) }])).events.length === last.length,
      { what: 'the last events are served' },
    )
    await client.close()
  }
}
