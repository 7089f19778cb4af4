import { readdirSync, readFileSync } from 'node:fs'
import { RelayClient, sign, testKey, until } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fuzzFrame } from './stack/fuzz-frames.ts'
import { seededRandom } from './stack/seeded-random.ts'
import { TestStack } from './stack/test-stack.ts'

/** `npm run test:fuzz` runs it for ten minutes; `npm test` for fifteen seconds. */
const durationMs = Number(process.env['FUZZ_TEST_S'] ?? 15) * 1000
const seed = Number(process.env['FUZZ_TEST_SEED'] ?? 11)
const clients = 8
/** Memory is judged from a fifth of the way: caches and pools are filled by then (two minutes of ten). */
const warmMs = durationMs / 5

let stack: TestStack

beforeAll(async () => {
  stack = await TestStack.start()
}, 180_000)

afterAll(() => stack?.remove(), 60_000)

const rssBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024

const handles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

interface Tally {
  frames: number
  answered: number
  closed: number
  readonly unanswered: string[]
}

/** Sends frames one by one; after each, a REQ that must still be answered proves that the connection or the relay lives. */
async function fuzz(client: number, endMs: number, tally: Tally): Promise<void> {
  const random = seededRandom(seed * 1_000 + client)
  while (Date.now() < endMs) {
    const connection = await RelayClient.connect(stack.relayUrl)
    await connection.challenge()
    for (let i = 0; i < 50 && Date.now() < endMs; i++) if (!(await sendOne(connection, random, tally))) break
    connection.terminate()
  }
}

async function sendOne(connection: RelayClient, random: () => number, tally: Tally): Promise<boolean> {
  const frame = fuzzFrame(random)
  tally.frames++
  if (frame.reaction === 'silent') {
    connection.send(frame.data)
    return true
  }
  const answer = connection
    .nextFrame(() => true, { deadlineMs: 15_000, what: `an answer to ${frame.what}` })
    .then(
      () => 'answered' as const,
      () => 'none' as const,
    )
  connection.send(frame.data)
  const outcome = await Promise.race([answer, connection.closed.then(() => 'closed' as const)])
  if (outcome === 'answered') tally.answered++
  else if (outcome === 'closed' && frame.reaction === 'answer-or-close') tally.closed++
  else tally.unanswered.push(`${frame.what}: ${String(frame.data).slice(0, 120)}`)
  return outcome === 'answered' && frame.reaction !== 'answer-or-close'
}

const gauge = async (name: string): Promise<number> => {
  const { parts } = (await stack.control('GET', '/status')) as {
    parts: { name: string; opsUrl: string | null }[]
  }
  const ops = parts.find((part) => part.name === 'edge-1')?.opsUrl
  const text = await (await fetch(`${ops}/metrics`)).text()
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

test(
  `${durationMs / 1000} s of fuzzed frames: answered or documented as silent, and nothing is left behind (seed ${seed})`,
  async () => {
    const pid = await stack.pidOf('edge-1')
    const honest = await RelayClient.connect(stack.relayUrl)
    const event = sign({ kind: 1, content: 'still here' }, testKey('fuzz honest'))
    expect((await honest.publish(event)).accepted).toBe(true)
    const baseline = { handles: handles(pid), connections: await gauge('relay_connections') }
    const tally: Tally = { frames: 0, answered: 0, closed: 0, unanswered: [] }
    const startMs = Date.now()
    const running = Array.from({ length: clients }, (_, client) => fuzz(client, startMs + durationMs, tally))
    await until(() => Date.now() - startMs >= warmMs, {
      what: 'the warm-up',
      deadlineMs: warmMs + 60_000,
      intervalMs: 100,
    })
    const warmBytes = rssBytes(pid)
    await Promise.all(running)
    const endBytes = rssBytes(pid)
    console.log(
      `${tally.frames} frames, ${tally.answered} answered, ${tally.closed} closed; RSS ${Math.round(warmBytes / 2 ** 20)} → ` +
        `${Math.round(endBytes / 2 ** 20)} MiB`,
    )
    expect(tally.unanswered).toEqual([])
    expect(tally.answered).toBeGreaterThan(100)
    expect(await stack.pidOf('edge-1'), 'the edge was never restarted').toBe(pid)
    expect((await honest.req([{ ids: [event.id] }])).events).toEqual([event])
    await until(async () => (await gauge('relay_connections')) <= baseline.connections, {
      what: 'the connections to go',
    })
    await until(async () => (await gauge('relay_subscriptions')) === 0, { what: 'the subscriptions to go' })
    await until(() => handles(pid) <= baseline.handles + 3, { what: 'the handles to go', deadlineMs: 20_000 })
    if (durationMs >= 120_000) expect(endBytes).toBeLessThanOrEqual(warmBytes * 1.2)
    await honest.close()
  },
  durationMs + 180_000,
)
