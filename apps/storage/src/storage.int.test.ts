import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeDeadLetter, encodeEnvelope, encodeTombstone, tombstoneKey } from '@millrace/codec'
import { delayMs, unwrap } from '@millrace/kernel'
import { addressOf, isNewerVersion, type NostrEvent, type Tombstone } from '@millrace/nostr'
import { redrive } from '@millrace/pipeline'
import { testKey, unsigned, until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { PARTITIONS, partitionOf, StorageStack } from './testing/storage-stack.ts'

let stack: StorageStack
/** Every event appended so far that has to be in the tables. */
const appended: NostrEvent[] = []
const AUTHORS = Array.from({ length: 20 }, (_, at) => testKey(`storage ${at}`).pubkey)
const KINDS = [1, 1, 7, 0, 3, 30_023]
const SEED = 20_261
const KILLS = 4
let serial = 0

beforeAll(async () => {
  stack = await StorageStack.start()
}, 120_000)

afterEach(() => stack.stopStorage())

afterAll(() => stack.remove())

/** Lehmer's generator, so that a failing run can be repeated. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const makeEvents = (count: number): NostrEvent[] =>
  Array.from({ length: count }, () => {
    const at = serial++
    const kind = KINDS[at % KINDS.length] ?? 1
    const author = AUTHORS[(at * 7) % AUTHORS.length] ?? ''
    const tags = kind === 30_023 ? [['d', `${at % 3}`]] : [['t', `tag${at % 5}`]]
    return unsigned({ kind, tags, content: `event ${at}`, created_at: 1_700_000_000 + (at % 50) }, author)
  })

async function append(count: number): Promise<void> {
  const events = makeEvents(count)
  appended.push(...events)
  await stack.append(events)
}

function winnersOf(events: readonly NostrEvent[]): string[] {
  const winners = new Map<string, NostrEvent>()
  for (const event of events) {
    const address = addressOf(event) ?? event.id
    const known = winners.get(address)
    if (known === undefined || isNewerVersion(event, known)) winners.set(address, event)
  }
  return [...winners.values()].map(({ id }) => id).sort()
}

/** Each event once by every documented way of reading. */
async function expectTablesToEqual(events: readonly NostrEvent[]): Promise<void> {
  const ids = async (from: string) =>
    (await stack.sql<{ id: string }>(`SELECT id FROM ${from} ORDER BY id`)).map(({ id }) => id)
  expect(await ids('nostr.events')).toEqual(events.map(({ id }) => id).sort())
  expect(await ids('nostr.events_current')).toEqual(winnersOf(events))
  const tags = await stack.sql<{ n: number }>(
    `SELECT toUInt32(count()) AS n FROM nostr.event_tags WHERE kind NOT IN (3)`,
  )
  expect(tags[0]?.n).toBe(events.filter(({ kind }) => kind !== 3).length)
}

test('SIGKILL at seeded moments while events come in: each event is there once', async () => {
  const next = seededRandom(SEED)
  const env = { STORAGE_BATCH_WAIT_MS: '20', STORAGE_SESSION_TIMEOUT_MS: '3000' }
  let isDone = false
  const appending = (async () => {
    while (!isDone) {
      await append(50)
      await delayMs(50)
    }
  })()
  for (let kill = 0; kill < KILLS; kill++) {
    const storage = await (await stack.storage(env)).ready()
    await until(async () => (await storage.metric('ingestion_events_written_total')) > 0, {
      what: `a write before kill ${kill} (seed ${SEED})`,
      deadlineMs: 20_000,
    })
    await delayMs(next() * 300)
    await storage.kill()
  }
  isDone = true
  await appending
  await (await stack.storage(env)).ready()
  await stack.caughtUp()
  await expectTablesToEqual(appended)
}, 120_000)

test('ClickHouse killed while events come in: storage waits, says so, and catches up', async () => {
  const storage = await (await stack.storage()).ready()
  await append(200)
  await stack.killClickHouse()
  await append(500)
  await until(async () => (await storage.readiness())?.ready === false, { what: 'not ready' })
  await until(async () => (await storage.metric('ingestion_retries_total')) > 2, { what: 'retries' })
  expect(await storage.metric('ingestion_lag_seconds')).toBeGreaterThan(0)
  await stack.startClickHouse()
  await stack.caughtUp()
  await until(async () => (await storage.readiness())?.ready === true, { what: 'ready again' })
  expect(storage.isRunning).toBe(true)
  await expectTablesToEqual(appended)
}, 120_000)

test('two instances split the partitions; when one is killed the other takes over', async () => {
  const first = await (await stack.storage()).ready()
  const second = await (await stack.storage()).ready()
  const written = async () => [
    await first.metric('ingestion_events_written_total'),
    await second.metric('ingestion_events_written_total'),
  ]
  const positions = (output: string) => output.match(/"positions":\[(?:\{[^}]*\},?)*\]/g)?.at(-1) ?? ''
  await until(
    () => [first, second].every(({ output }) => positions(output).match(/partition"/g)?.length === 4),
    {
      what: 'four partitions each',
      deadlineMs: 20_000,
    },
  )
  await append(400)
  await stack.caughtUp()
  const [one = 0, two = 0] = await written()
  expect(Math.min(one, two)).toBeGreaterThan(0)
  await first.kill()
  await append(400)
  await stack.caughtUp()
  await expectTablesToEqual(appended)
}, 120_000)

test('poison goes to the dead letters with its origin; redrive brings a mended record back', async () => {
  const storage = await (await stack.storage()).ready()
  const [astray] = makeEvents(1)
  if (astray === undefined) throw new Error('no event')
  const receipt = { receivedAtMs: 1, source: 'client', edge: 'e' } as const
  const wrong = (partitionOf(astray) + 1) % PARTITIONS
  await stack.appendRaw(astray.id, encodeEnvelope({ event: astray, receipt }), wrong)
  await stack.appendRaw('not an event', Buffer.from('{}'), 0)
  await append(10)
  await stack.caughtUp()
  expect(await storage.metric('dead_letters_total')).toBe(2)
  const letters: unknown[] = []
  await stack.log.readToEnd(TOPICS.deadLetters, ({ records }) => {
    for (const { value, key } of records)
      if (value) letters.push({ key: key?.toString(), ...unwrap(decodeDeadLetter(value)) })
  })
  expect(letters).toMatchObject(
    [
      { topic: TOPICS.events, step: 'decodeEvent', code: 'record-undecodable', group: 'storage' },
      {
        key: astray.id,
        topic: TOPICS.events,
        partition: wrong,
        step: 'checkPartition',
        code: 'record-wrong-partition',
      },
    ].sort((a) => (a.code === (letters[0] as { code: string }).code ? -1 : 1)),
  )
  await expectTablesToEqual(appended)

  const producer = await stack.log.producer()
  const report = unwrap(await redrive({ log: stack.log, producer, codes: ['record-wrong-partition'] }))
  expect(report).toMatchObject({ chosen: 1, redriven: 1 })
  appended.push(astray)
  await stack.caughtUp()
  await expectTablesToEqual(appended)
}, 60_000)

test('an erased event leaves every view, and what comes after its tombstone is not stored', async () => {
  await (await stack.storage()).ready()
  const [erased, late] = makeEvents(2) as [NostrEvent, NostrEvent]
  await stack.append([erased])
  await stack.caughtUp()
  for (const event of [erased, late]) {
    const tombstone: Tombstone = {
      author: event.pubkey,
      requestId: 'e'.repeat(64),
      requestCreatedAt: event.created_at,
      target: { type: 'event', id: event.id },
      floor: null,
      reason: 'deletion',
      recordedAtMs: 1_760_000_000_000,
    }
    const value = encodeTombstone(tombstone)
    await stack.appendRaw(tombstoneKey(tombstone), value, partitionOf(event), {}, TOPICS.tombstones)
  }
  await until(
    async () => (await stack.sql('SELECT 1 FROM nostr_store.tombstone_events FINAL')).length === 2,
    { what: 'the tombstones in ClickHouse' },
  )
  await expectTablesToEqual(appended)
  await stack.append([late])
  await stack.caughtUp()
  const stored = await stack.sql(`SELECT 1 FROM nostr_store.events WHERE id = unhex('${late.id}')`)
  expect(stored).toEqual([])
  await expectTablesToEqual(appended)
}, 60_000)

test('one trace id from the record header to the insert span', async () => {
  const traceFile = join(await mkdtemp(join(tmpdir(), 'millrace-trace-')), 'spans.jsonl')
  await (await stack.storage({ TRACE_FILE: traceFile })).ready()
  const events = makeEvents(1)
  appended.push(...events)
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await stack.append(events, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` })
  const spans = () =>
    readFileSync(traceFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((span) => span['trace_id'] === traceId)
  await until(() => spans().length >= 2, { what: 'two spans' })
  const apply = spans().find(({ name }) => name === 'storage.apply')
  expect(apply).toMatchObject({ parent_span_id: '00f067aa0ba902b7', attributes: { topic: TOPICS.events } })
  expect(spans().find(({ name }) => name === 'clickhouse.insert')).toMatchObject({
    parent_span_id: apply?.['span_id'],
  })
}, 60_000)

test('ClickHouse emptied while storage is stopped: a replay from the beginning fills it the same', async () => {
  await stack.command('DROP DATABASE nostr_store SYNC')
  await stack.command('DROP DATABASE nostr SYNC')
  await stack.migrate()
  await (await stack.storage()).ready()
  await stack.caughtUp()
  await expectTablesToEqual(appended)
}, 60_000)

const watermarks = () =>
  stack.sql(
    `SELECT partition, next_offset FROM nostr_store.watermarks FINAL
     WHERE sink = 'storage' AND topic = '${TOPICS.events}' ORDER BY partition`,
  )

test('a broken deploy stops before it drains a partition', async () => {
  const before = await watermarks()
  for (let at = 0; at < 20; at++) await stack.appendRaw(`broken ${at}`, Buffer.from('{}'), 0)
  const storage = await stack.storage({ STORAGE_DEAD_IN_A_ROW_MAX: '10' })
  expect(await storage.exited).toEqual([78, null])
  expect(storage.output).toContain('dead-letters-too-many')
  expect(await watermarks()).toEqual(before)
  await (await stack.storage()).ready()
  await stack.caughtUp()
}, 60_000)

test('a store filled from another log is refused with what to do', async () => {
  await stack.command(
    `INSERT INTO nostr_store.watermarks (sink, topic, log_id, partition, next_offset, appended_at)
     VALUES ('storage', '${TOPICS.events}', generateUUIDv4(), 5, 1, now64(3))`,
  )
  const storage = await stack.storage()
  expect(await storage.exited).toEqual([78, null])
  expect(storage.output).toContain('log-foreign')
  expect(storage.output).toMatch(/tables reset/)
}, 60_000)
