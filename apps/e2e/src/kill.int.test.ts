import { createKafkaLog } from '@millrace/kafka'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Publishers } from './stack/publishers.ts'
import { seededRandom } from './stack/seeded-random.ts'
import { TestStack } from './stack/test-stack.ts'

/** `npm run test:kill` runs it for 90 s with three kills each; `npm test` shortens it to one kill each. */
const killsEach = Number(process.env['KILL_TEST_KILLS'] ?? 1)
const durationMs = Number(process.env['KILL_TEST_S'] ?? 20) * 1000
const seed = Number(process.env['KILL_TEST_SEED'] ?? 7)
const victims = ['edge-1', 'edge-2', 'storage', 'deletion', 'clickhouse', 'kafka'] as const
const connections = 20
const random = seededRandom(seed)

let stack: TestStack

beforeAll(async () => {
  stack = await TestStack.start()
  await stack.addEdge()
}, 180_000)

afterAll(() => stack?.remove(), 60_000)

const keys = Array.from({ length: 50 }, (_, i) => testKey(`kill ${seed} ${i}`))
let sequence = 0

/** Notes; one in twenty has a broken signature. */
function nextEvent(): SignedEvent {
  const n = ++sequence
  const key = keys[n % keys.length] ?? keys[0]
  if (key === undefined) throw new Error('no keys')
  const event = sign({ kind: 1, content: `kill test ${seed} ${n}`, tags: [['t', 'kill']] }, key)
  return n % 20 === 0
    ? { ...event, sig: event.sig.replace(/^../, event.sig.startsWith('00') ? '01' : '00') }
    : event
}

async function killInTurn(publishers: Publishers, endMs: number): Promise<string[]> {
  const order = Array.from({ length: killsEach }, () => shuffled(victims)).flat()
  const stepMs = (endMs - Date.now()) / (order.length + 1)
  const done: string[] = []
  for (const victim of order) {
    await pause(stepMs * (0.5 + random()))
    const pid = await until(() => stack.pidOf(victim).catch(() => null), {
      what: `${victim} to be up`,
      deadlineMs: 60_000,
    })
    // The moment counts only while EVENTs wait for their OK: at this edge, or anywhere for the parts behind it.
    // Nothing may come between the look and the kill.
    const edge = victim === 'edge-1' ? stack.relayUrl : victim === 'edge-2' ? stack.secondRelayUrl : undefined
    const killWhileWaiting = () => {
      const waiting = publishers.inFlight(edge)
      if (waiting > 0) process.kill(pid, 'SIGKILL')
      return waiting > 0 ? waiting : null
    }
    const waiting = await until(killWhileWaiting, {
      what: `EVENTs in flight to kill ${victim}`,
      intervalMs: 1,
      deadlineMs: 30_000,
    })
    done.push(`${victim} (pid ${pid}, ${waiting} in flight)`)
  }
  return done
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))

async function servedBy(url: string, ids: readonly string[]): Promise<Set<string>> {
  const client = await RelayClient.connect(url)
  const served = new Set<string>()
  for (const chunk of chunks(ids, 500)) {
    const { events, closed } = await client.req([{ ids: chunk, limit: 500 }], { deadlineMs: 30_000 })
    expect(closed).toBeNull()
    for (const event of events) served.add(event.id)
  }
  await client.close()
  return served
}

async function keysInLog(): Promise<Set<string>> {
  const log = createKafkaLog({
    brokers: [stack.kafkaBrokers],
    clientId: 'kill-test',
    ssl: false,
    sslCaFile: null,
    sasl: null,
  })
  const found = new Set<string>()
  await log.readToEnd(TOPICS.events, (batch) => {
    for (const record of batch.records) if (record.key !== null) found.add(record.key.toString())
  })
  await log.close()
  return found
}

test(
  `no acknowledged event is lost or doubled when everything is killed (seed ${seed})`,
  async () => {
    const stop = new AbortController()
    const publishers = new Publishers({
      urls: [stack.relayUrl, stack.secondRelayUrl],
      connections,
      outstanding: 2,
      nextEvent,
      pauseMs: 20,
      signal: stop.signal,
    })
    const endMs = Date.now() + durationMs
    const running = publishers.run()
    const killed = await killInTurn(publishers, endMs)
    await pause(Math.max(0, endMs - Date.now()))
    await stack.untilHealthy(120_000)
    stop.abort()
    await running
    const { acknowledged, invalid, unanswered, refused } = publishers.ledger
    console.log(
      `killed ${killed.join(', ')}; ${acknowledged.size} acknowledged, ${invalid.size} invalid, ` +
        `${unanswered.size} unanswered, ${refused.size} refused`,
    )
    expect(killed).toHaveLength(killsEach * victims.length)
    expect(acknowledged.size).toBeGreaterThan(100)
    expect(invalid.size).toBeGreaterThan(0)

    const ids = [...acknowledged.keys()]
    for (const url of [stack.relayUrl, stack.secondRelayUrl]) {
      const served = await servedBy(url, ids)
      expect(
        ids.filter((id) => !served.has(id)),
        `lost at ${url}`,
      ).toEqual([])
    }
    const rows = () => stack.sql<{ id: string }>(`SELECT id FROM nostr.events`)
    await until(
      async () => {
        const inStore = new Set((await rows()).map(({ id }) => id))
        return ids.every((id) => inStore.has(id))
      },
      { what: 'every acknowledged event in ClickHouse', deadlineMs: 60_000, intervalMs: 500 },
    )
    const all = await rows()
    expect(new Set(all.map(({ id }) => id)).size, 'each event once').toBe(all.length)

    const anywhere = new Set([...all.map(({ id }) => id), ...(await keysInLog())])
    const invalidIds = [...invalid.keys()]
    for (const id of await servedBy(stack.relayUrl, invalidIds)) anywhere.add(id)
    expect(
      invalidIds.filter((id) => anywhere.has(id)),
      'invalid, and yet there',
    ).toEqual([])
  },
  durationMs + 300_000,
)
