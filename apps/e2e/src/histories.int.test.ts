import { createHash } from 'node:crypto'
import { encodeEnvelope } from '@millrace/codec'
import { createKafkaLog, type Log } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { naiveRemains, ownerOfNaive, randomHistory, type SignedEvent, seeded, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestStack } from './stack/test-stack.ts'

// Random histories of deletions, vanishings and expirations go straight into the log, as imports and edges that know no better bring
// them: on real Kafka and ClickHouse the deletion consumer and storage leave what the naive model says.

const HISTORIES = 200
const SEED = Number(process.env['HISTORIES_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const PARTITIONS = 8
const NOW_S = Math.floor(Date.now() / 1000)
const SETTLE_MS_MAX = 60_000

let stack: TestStack
let log: Log

beforeAll(async () => {
  stack = await TestStack.start({ ERASURE_DEADLINE_S: '60', EVENT_PARTITIONS: String(PARTITIONS) })
  const { brokers } = { brokers: [stack.kafkaBrokers] }
  log = createKafkaLog({ brokers, clientId: 'histories', ssl: false, sslCaFile: null, sasl: null })
}, 180_000)

afterAll(async () => {
  await log?.close()
  await stack?.remove()
}, 60_000)

const partitionOf = (event: SignedEvent) => partitionOfOwner(ownerOfNaive(event), PARTITIONS)

const keysOf = (history: number): string[] =>
  ['a', 'b', 'c'].map((key) => createHash('sha256').update(`${SEED} ${history} ${key}`).digest('hex'))

test(`${HISTORIES} histories end as the naive model says (seed ${SEED})`, async () => {
  const random = seeded(SEED)
  const relayUrl = stack.relayUrl
  const histories = Array.from({ length: HISTORIES }, (_, at) =>
    randomHistory(random, { keys: keysOf(at), relayUrl, nowS: NOW_S }),
  )
  await append(histories.flat())
  // Once more from its beginning, in the middle of the work.
  process.kill(await stack.pidOf('deletion'), 'SIGKILL')
  const expected = histories.map((events) => naiveRemains(events, { relayUrls: [relayUrl], nowS: NOW_S }))
  const kept = expected.flatMap((remains) => remains.kept.map(({ id }) => id)).sort()
  const visible = expected.flatMap((remains) => remains.visible.map(({ id }) => id)).sort()
  await until(async () => equal(await inTheLog(), kept), {
    what: 'the log',
    deadlineMs: SETTLE_MS_MAX,
    intervalMs: 500,
  }).catch(() => {})
  expect(await inTheLog(), `the log, seed ${SEED}`).toEqual(kept)
  await until(async () => equal(await shown(), visible), {
    what: 'ClickHouse',
    deadlineMs: SETTLE_MS_MAX,
    intervalMs: 500,
  }).catch(() => {})
  expect(await shown(), `ClickHouse, seed ${SEED}`).toEqual(visible)
}, 240_000)

const equal = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((id, at) => id === b[at])

async function append(events: readonly SignedEvent[]): Promise<void> {
  const producer = await log.producer()
  const results = await Promise.all(
    events.map((event) =>
      producer.append({
        topic: TOPICS.events,
        partition: partitionOf(event),
        key: event.id,
        value: encodeEnvelope({
          event,
          receipt: { receivedAtMs: Date.now(), source: 'import', edge: 'test' },
        }),
      }),
    ),
  )
  for (const result of results) unwrap(result)
  await producer.close()
}

/** Ids whose latest record is an event. */
async function inTheLog(): Promise<string[]> {
  const latest = new Map<string, boolean>()
  await log.readToEnd(TOPICS.events, ({ records }) => {
    for (const { key, value } of records) if (key !== null) latest.set(key.toString(), value !== null)
  })
  return [...latest].flatMap(([key, isEvent]) => (isEvent && !key.startsWith('~') ? [key] : [])).sort()
}

/** Ids that the views show, and those of gift wraps, which they keep to themselves. */
async function shown(): Promise<string[]> {
  const rows = await stack.sql<{ id: string }>(
    `SELECT id FROM nostr.events_current
     UNION DISTINCT SELECT lower(hex(id)) AS id FROM nostr_store.events_alive
       WHERE kind = 1059 AND (expiration = 0 OR expiration > toUnixTimestamp(now()))
     ORDER BY id`,
  )
  return rows.map(({ id }) => id).sort()
}
