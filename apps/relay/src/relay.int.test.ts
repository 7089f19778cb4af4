import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, createClickHouse, migrate, writeWatermarks } from '@millrace/clickhouse'
import { clickHouseSection, kafkaSection, parseConfig } from '@millrace/config'
import { applyTopics, createKafkaLog, type Log, readLogId } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { eventsMigrations } from '@millrace/projection-events'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { freePorts, startClickHouse, startKafka } from '@millrace/testkit/stack'
import { catalogue, DEFAULT_TOPIC_OPTIONS, TOPICS } from '@millrace/topics'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { RelayProcess } from './testing/relay-process.ts'
import { storeNow } from './testing/stand-in-storage.ts'

const FOREIGN_LOG_ID = '11111111-2222-4333-8444-555555555555'
const alice = testKey('int alice')
let dataDir: string
let kafkaServer: Awaited<ReturnType<typeof startKafka>>
let clickHouseServer: Awaited<ReturnType<typeof startClickHouse>>
let kafkaPorts: { dataDir: string; port: number; controllerPort: number }
let clickHousePorts: { dataDir: string; httpPort: number; tcpPort: number }
let kafka: Log
let ch: ClickHouse
let logId: string
let env: NodeJS.ProcessEnv
const running = new Set<RelayProcess>()

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-relay-'))
  const [port = 0, controllerPort = 0, httpPort = 0, tcpPort = 0] = await freePorts(4)
  clickHousePorts = { dataDir: join(dataDir, 'clickhouse'), httpPort, tcpPort }
  kafkaPorts = { dataDir: join(dataDir, 'kafka'), port, controllerPort }
  kafkaServer = await startKafka(kafkaPorts)
  clickHouseServer = await startClickHouse(clickHousePorts)
  env = {
    KAFKA_BROKERS: kafkaServer.brokers,
    CLICKHOUSE_URL: clickHouseServer.url,
    MILLRACE_DATA: join(dataDir, 'millrace'),
  }
  const config = unwrap(parseConfig({ kafka: kafkaSection, clickhouse: clickHouseSection }, env))
  kafka = createKafkaLog(config.kafka)
  ch = createClickHouse(config.clickhouse, 'maintenance')
  const options = { ...DEFAULT_TOPIC_OPTIONS, eventPartitionCount: 4 }
  const admin = await kafka.admin()
  unwrap(await applyTopics(admin, kafka, catalogue(options), options))
  await admin.close()
  logId = unwrap(await readLogId(kafka))
  unwrap(await migrate(ch, eventsMigrations()))
})

afterEach(async () => {
  for (const relay of running) if (relay.isRunning) await relay.kill()
  running.clear()
})

afterAll(async () => {
  await ch?.close()
  await kafka?.close()
  await clickHouseServer?.stop()
  await kafkaServer?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

async function launch(extra: NodeJS.ProcessEnv = {}): Promise<RelayProcess> {
  const [relayPort, opsPort] = await freePorts(2)
  const relay = new RelayProcess({
    ...env,
    RELAY_PORT: String(relayPort),
    OPS_PORT: String(opsPort),
    ...extra,
  })
  running.add(relay)
  return relay
}

async function started(extra: NodeJS.ProcessEnv = {}): Promise<RelayProcess> {
  const relay = await launch(extra)
  await relay.ready()
  return relay
}

let notes = 0
const note = (content = `note ${++notes}`) => sign({ kind: 1, content }, alice)
const ids = (events: readonly SignedEvent[]) => events.map((event) => event.id)
const overlayEmpty = async (relay: RelayProcess) =>
  /relay_overlay_events\{app="relay"\} 0\n/.test(await relay.metrics())

test('without a view an event is served from the overlay, then from ClickHouse, and known in both', async () => {
  const relay = await started({ SERVING_VIEW: 'off' })
  const client = await RelayClient.connect(relay.url)
  const events = Array.from({ length: 20 }, () => note())
  const profile = (created_at: number) => sign({ kind: 0, content: `${created_at}`, created_at }, alice)
  const [older, current] = [profile(1000), profile(2000)]
  for (const event of [...events, current])
    expect(await client.publish(event)).toMatchObject({ accepted: true, message: '' })
  const asked = async () => ids((await client.req([{ authors: [alice.pubkey] }])).events).sort()
  const expected = ids([...events, current]).sort()
  expect(await asked()).toEqual(expected)
  expect(await overlayEmpty(relay)).toBe(false)
  await storeNow(kafka, ch, logId)
  await until(() => overlayEmpty(relay), { what: 'the overlay lets go of what is stored' })
  expect(await asked()).toEqual(expected)
  expect((await client.publish(events[0] as SignedEvent)).message).toMatch(/^duplicate: already/)
  await client.close()

  await relay.kill()
  const again = await started({ SERVING_VIEW: 'off' })
  const other = await RelayClient.connect(again.url)
  expect(await other.publish(older)).toMatchObject({
    accepted: false,
    message: 'duplicate: replaced, have newer event',
  })
  expect((await other.publish(current)).message).toMatch(/^duplicate: already/)
  expect((await other.publish(events[1] as SignedEvent)).message).toMatch(/^duplicate: already/)
  await other.close()
})

test('whatever got OK true before a SIGKILL is served after the restart, storage being stopped', async () => {
  const acknowledged: string[] = []
  let inFlightAtKill = 0
  for (let round = 0; round < 3; round++) {
    const relay = await started()
    const clients = await Promise.all([1, 2, 3, 4].map(() => RelayClient.connect(relay.url)))
    const published = clients.map(async (client, c) => {
      const key = testKey(`killed ${round} ${c}`)
      for (let i = 0; ; i++) {
        const event = sign({ kind: 1, content: `${i}` }, key)
        inFlightAtKill++
        const answer = await client.publish(event).catch(() => null)
        if (answer === null) return
        inFlightAtKill--
        if (answer.accepted) acknowledged.push(event.id)
      }
    })
    const goal = acknowledged.length + 200
    await until(() => acknowledged.length >= goal, { what: 'enough is acknowledged', deadlineMs: 20_000 })
    await relay.kill()
    await Promise.all(published)
  }
  expect(inFlightAtKill).toBeGreaterThan(0)
  const startMs = performance.now()
  const relay = await started()
  const readyMs = performance.now() - startMs
  const client = await RelayClient.connect(relay.url)
  const served = new Set<string>()
  for (let at = 0; at < acknowledged.length; at += 400) {
    const page = acknowledged.slice(at, at + 400)
    for (const event of (await client.req([{ ids: page }])).events) served.add(event.id)
  }
  expect(acknowledged.filter((id) => !served.has(id))).toEqual([])
  expect(readyMs).toBeLessThan(10_000)
  await client.close()
})

test('a second edge serves and delivers what the first one took within a second', async () => {
  const [one, two] = [await started({ EDGE_ID: 'one' }), await started({ EDGE_ID: 'two' })]
  const [publisher, reader] = [await RelayClient.connect(one.url), await RelayClient.connect(two.url)]
  const subscription = reader.subscribe([{ authors: [alice.pubkey], limit: 0 }])
  await subscription.stored()
  for (let i = 0; i < 20; i++) {
    const event = note()
    expect(await publisher.publish(event)).toMatchObject({ accepted: true })
    expect((await subscription.next(1_000)).id).toBe(event.id)
    expect(ids((await reader.req([{ ids: [event.id] }])).events)).toEqual([event.id])
  }
  await Promise.all([publisher.close(), reader.close()])
})

test('while ClickHouse is away publishing and REQ go on; without a view only publishing, and a start waits for it', async () => {
  const [relay, viewless] = await Promise.all([
    started(),
    started({ EDGE_ID: 'viewless', SERVING_VIEW: 'off' }),
  ])
  const client = await RelayClient.connect(relay.url)
  const viewlessClient = await RelayClient.connect(viewless.url)
  await until(async () => /relay_view_serving\{app="relay"\} 1\n/.test(await relay.metrics()), {
    what: 'the view serves',
  })
  await clickHouseServer.kill()
  const event = note()
  expect(await client.publish(event)).toMatchObject({ accepted: true })
  expect((await client.req([{ kinds: [1] }])).events.map(({ id }) => id)).toContain(event.id)
  expect((await viewlessClient.req([{ kinds: [1] }])).closed).toMatch(/^error: /)
  const waiting = await launch({ EDGE_ID: 'waiting', SERVING_VIEW: 'off' })
  await until(async () => (await waiting.readiness())?.checks['clickhouse']?.startsWith('waiting'), {
    what: 'the second relay says what it waits for',
  })
  await expect(RelayClient.connect(waiting.url)).rejects.toThrow()
  clickHouseServer = await startClickHouse(clickHousePorts)
  await waiting.ready()
  await until(async () => (await viewlessClient.req([{ ids: [event.id] }])).events.length === 1, {
    what: 'REQs are answered again',
  })
  const other = await RelayClient.connect(waiting.url)
  expect(ids((await other.req([{ ids: [event.id] }])).events)).toEqual([event.id])
  await Promise.all([client.close(), viewlessClient.close(), other.close()])
})

test('after a SIGKILL of Kafka publishing and live delivery go on, and no OK true is lost', async () => {
  const relay = await started()
  const [client, reader] = [await RelayClient.connect(relay.url), await RelayClient.connect(relay.url)]
  const subscription = reader.subscribe([{ authors: [alice.pubkey], limit: 0 }])
  await subscription.stored()
  const before = Array.from({ length: 100 }, () => note())
  const answers = before.map((event) => client.publish(event, { deadlineMs: 30_000 }))
  await answers[0]
  await kafkaServer.kill()
  const lost = client.publish(note(), { deadlineMs: 30_000 })
  kafkaServer = await startKafka(kafkaPorts)
  const accepted = (await Promise.all(answers)).filter((answer) => answer.accepted).map(({ id }) => id)
  expect(await lost).toMatchObject({ message: expect.stringMatching(/^$|^error: /) as string })
  const after = note()
  await until(async () => (await client.publish(after)).accepted, {
    what: 'EVENTs are taken again',
    deadlineMs: 30_000,
  })
  const live = new Set<string>()
  await until(
    () => {
      for (const event of subscription.takeAll()) live.add(event.id)
      return live.has(after.id)
    },
    { what: 'live events come again', deadlineMs: 30_000 },
  )
  expect(accepted.filter((id) => !live.has(id))).toEqual([])
  expect(ids((await client.req([{ ids: accepted }])).events).sort()).toEqual([...accepted].sort())
  expect(relay.isRunning).toBe(true)
  await Promise.all([client.close(), reader.close()])
})

test('the trace of an EVENT goes on in the headers of its record', async () => {
  const traceFile = join(dataDir, 'spans.jsonl')
  const relay = await started({ TRACE_FILE: traceFile })
  const client = await RelayClient.connect(relay.url)
  const event = note()
  await client.publish(event)
  const spans = readFileSync(traceFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; trace_id: string; attributes: { event_id?: string } })
  const span = spans.find(
    ({ name, attributes }) => name === 'relay.event' && attributes.event_id === event.id,
  )
  const headers: string[] = []
  await kafka.readToEnd(TOPICS.events, ({ records }) => {
    for (const record of records)
      if (String(record.key) === event.id) headers.push(record.headers['traceparent'] ?? '')
  })
  expect(headers).toHaveLength(1)
  expect(headers[0]?.split('-')[1]).toBe(span?.trace_id)
  await client.close()
})

test('SIGTERM answers what is in flight, closes the sockets and exits 0', async () => {
  const relay = await started()
  const client = await RelayClient.connect(relay.url)
  const events = Array.from({ length: 50 }, () => note())
  const answers = events.map((event) => client.publish(event))
  await answers[0]
  const stopped = relay.stop()
  const settled = await Promise.allSettled(answers)
  for (const answer of settled)
    if (answer.status === 'fulfilled') expect(answer.value).toMatchObject({ accepted: true })
  expect(await client.closed).toEqual({ code: 1001, reason: 'the relay is shutting down' })
  expect(await stopped).toEqual([0, null])
})

test.each([
  ['another log', FOREIGN_LOG_ID, 1, 'log-foreign'],
  ['more than the log holds', null, 1_000_000_000, 'watermark-past-end'],
])('a store filled from %s stops the relay with exit code 78', async (_, foreignLogId, nextOffset, code) => {
  const advance = { partition: 0, nextOffset, appendedAtMs: Date.now() }
  unwrap(await writeWatermarks(ch, 'storage', TOPICS.events, foreignLogId ?? logId, [advance]))
  const relay = await launch()
  expect((await relay.exited)[0]).toBe(78)
  expect(relay.output).toContain(code)
  unwrap(await ch.command('TRUNCATE TABLE nostr_store.watermarks'))
})
