import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { decodeTombstone, tombstoneKey } from '@millrace/codec'
import { createKafkaLog, type Log } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { naiveRemains, RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCtl } from './stack/ctl.ts'
import { seededRandom } from './stack/seeded-random.ts'
import { TestStack } from './stack/test-stack.ts'

/** `npm run test:deletion-kill` has 10,000 deletions and 20 kills; `npm test` fewer. */
const DELETIONS = Number(process.env['DELETION_KILL_DELETIONS'] ?? 600)
const KILLS = Number(process.env['DELETION_KILL_KILLS'] ?? 4)
const SEED = Number(process.env['DELETION_KILL_SEED'] ?? 7)
const DEADLINE_S = '120'
const MAIN = fileURLToPath(new URL('../../deletion/src/main.ts', import.meta.url))
const AUTHORS = 20
const CONNECTIONS = 8
// A member that was killed while it joined holds its group up for the rebalance timeout of a minute.
const SETTLE_MS_MAX = 300_000

const random = seededRandom(SEED)
const keys = Array.from({ length: AUTHORS }, (_, at) => testKey(`deletion kill ${SEED} ${at}`))
const nowS = Math.floor(Date.now() / 1000)
let stack: TestStack
let log: Log

beforeAll(async () => {
  stack = await TestStack.start({ ERASURE_DEADLINE_S: DEADLINE_S, RATE_LIMIT_EXEMPT: '127.0.0.1' })
  log = createKafkaLog({
    brokers: [stack.kafkaBrokers],
    clientId: 'kill',
    ssl: false,
    sslCaFile: null,
    sasl: null,
  })
}, 180_000)

afterAll(async () => {
  await log?.close()
  await stack?.remove()
}, 60_000)

/** Events and what deletes them, each request after its targets; some by address, a few keys vanish. */
function history(): readonly SignedEvent[] {
  const events: SignedEvent[] = []
  const keyOf = (at: number) => keys[at % AUTHORS] as (typeof keys)[number]
  for (let at = 0; at < DELETIONS; at++) {
    const key = keyOf(at)
    const created_at = nowS - 1_000 + (at % 500)
    const d = `${Math.floor(at / AUTHORS)}`
    const target = sign(
      { kind: at % 3 === 0 ? 30023 : 1, content: `${at}`, tags: [['d', d]], created_at },
      key,
    )
    const kept = sign({ kind: 1, content: `kept ${at}`, created_at }, key)
    const tags = at % 6 === 0 ? [['a', `30023:${key.pubkey}:${d}`]] : [['e', target.id]]
    events.push(target, kept, sign({ kind: 5, content: `${at}`, tags, created_at: created_at + 1 }, key))
  }
  for (const key of keys.slice(0, 2))
    events.push(sign({ kind: 62, tags: [['relay', 'ALL_RELAYS']], created_at: nowS - 700 }, key))
  return events
}

async function publishAll(events: readonly SignedEvent[]): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => RelayClient.connect(stack.relayUrl)),
  )
  // An author's events go over one connection, in their order.
  const lanes = clients.map((_, lane) =>
    events.filter(({ pubkey }) => keys.findIndex((key) => key.pubkey === pubkey) % CONNECTIONS === lane),
  )
  await Promise.all(
    clients.map(async (client, lane) => {
      for (const event of lanes[lane] ?? [])
        expect(await client.publish(event)).toMatchObject({ accepted: true })
      await client.close()
    }),
  )
}

/** The consumer beside the stack: a supervisor gives up on a part that ends too often. */
function startConsumer(): ChildProcess {
  const env = {
    ...process.env,
    KAFKA_BROKERS: stack.kafkaBrokers,
    MILLRACE_DATA: stack.dataDir,
    RELAY_URL: stack.relayUrl,
    DELETION_INSTANCE_ID: 'deletion-1',
    ERASURE_DEADLINE_S: DEADLINE_S,
    OPS_PORT: '0',
    LOG_LEVEL: 'error',
  }
  return spawn(process.execPath, [MAIN], { env, stdio: 'inherit' })
}

/** Kills it at random moments, of its start too; answers the one that is left running. */
async function killAtRandom(): Promise<ChildProcess> {
  let consumer = startConsumer()
  for (let kills = 0; kills < KILLS; kills++) {
    await new Promise((resolve) => setTimeout(resolve, 300 + random() * 5_000))
    consumer.kill('SIGKILL')
    await once(consumer, 'exit')
    consumer = startConsumer()
  }
  return consumer
}

test(`${DELETIONS} deletions with the consumer killed ${KILLS} times (seed ${SEED})`, async () => {
  const events = history()
  expect((await runCtl(stack.dataDir, 'part', 'stop', 'deletion')).code).toBe(0)
  const publishing = publishAll(events)
  const consumer = await killAtRandom()
  await publishing
  const { kept, visible } = naiveRemains(events, { relayUrls: [], nowS })
  const expectedKept = kept.map(({ id }) => id).sort()
  await until(async () => (await keysInTheLog()).length === expectedKept.length, {
    what: 'nulls',
    deadlineMs: SETTLE_MS_MAX,
    intervalMs: 500,
  }).catch(() => {})
  expect(await keysInTheLog()).toEqual(expectedKept)
  const expectedVisible = visible.map(({ id }) => id).sort()
  const stored = async () =>
    (await stack.sql<{ id: string }>('SELECT id FROM nostr.events_current ORDER BY id')).map(({ id }) => id)
  await until(async () => (await stored()).length === expectedVisible.length, {
    what: 'ClickHouse',
    deadlineMs: SETTLE_MS_MAX,
    intervalMs: 500,
  }).catch(() => {})
  expect(await stored()).toEqual(expectedVisible)
  expect(await served()).toEqual(expectedVisible)
  expect(await lostFloors()).toEqual([])
  expect(consumer.exitCode).toBeNull()
  const [gone] = events as [SignedEvent]
  const client = await RelayClient.connect(stack.relayUrl)
  expect(await client.publish(gone)).toMatchObject({ accepted: false, message: 'blocked: deleted' })
  await client.close()
  consumer.kill('SIGTERM')
  await once(consumer, 'exit')
}, 900_000)

async function served(): Promise<string[]> {
  const client = await RelayClient.connect(stack.relayUrl)
  const ids: string[] = []
  for (const { pubkey } of keys)
    for (const kinds of [[1], [30023], [5], [62]])
      ids.push(...(await client.req([{ authors: [pubkey], kinds, limit: 5_000 }])).events.map(({ id }) => id))
  await client.close()
  return ids.sort()
}

/** Keys whose latest record is an event. */
async function keysInTheLog(): Promise<string[]> {
  const latest = new Map<string, boolean>()
  await log.readToEnd(TOPICS.events, ({ records }) => {
    for (const { key, value } of records) if (key !== null) latest.set(key.toString(), value !== null)
  })
  return [...latest].flatMap(([key, isEvent]) => (isEvent && !key.startsWith('~') ? [key] : [])).sort()
}

/** Tombstones that had a floor and were written again without it. */
async function lostFloors(): Promise<string[]> {
  const withFloor = new Set<string>()
  const lost: string[] = []
  await log.readToEnd(TOPICS.tombstones, ({ records }) => {
    for (const { value } of records) {
      if (value === null) continue
      const tombstone = unwrap(decodeTombstone(value))
      const key = tombstoneKey(tombstone)
      if (tombstone.floor !== null) withFloor.add(key)
      else if (withFloor.has(key)) lost.push(key)
    }
  })
  return lost
}
