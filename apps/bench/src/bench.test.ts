import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { SignedEvent } from '@millrace/testkit'
import { afterAll, afterEach, expect, test } from 'vitest'
import { bench } from './bench.ts'
import type { BenchOptions } from './options.ts'
import { Steps } from './steps.ts'
import { useRelay } from './target/target.ts'
import { type NaiveServer, startNaiveServer, type Twists } from './testing/naive-server.ts'
import { someEvents } from './testing/small-corpus.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-test-'))
const file = join(folder, 'corpus.jsonl')
const events = await someEvents(2_700)
writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'))
afterAll(() => rmSync(folder, { recursive: true }))

const servers: NaiveServer[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const quiet = new Steps(new Writable({ write: (_chunk, _encoding, done) => done() }) as NodeJS.WriteStream)
const OPTIONS: BenchOptions = {
  events: 300,
  seconds: 0.1,
  scale: 0.001,
  seed: 'unused',
  corpus: file,
  out: folder,
}

async function target(twists?: Twists) {
  const server = await startNaiveServer(twists)
  servers.push(server)
  return useRelay(server.url, { name: `naive ${servers.length}`, pids: [] })
}

async function run(runs: number, modes: string, ...twists: (Twists | undefined)[]) {
  const targets = []
  for (const twist of twists) targets.push(await target(twist))
  return bench({ targets, runs, command: 'test' }, { ...OPTIONS, modes }, quiet)
}

test('two right relays are compared in every mode, and nothing is lost or refused', async () => {
  const report = await run(1, 'publish,req,reqw,fanout,mixed', undefined, undefined)
  expect(
    report.results.map(({ mode }) => mode).filter((mode, at, all) => all.indexOf(mode) === at),
  ).toHaveLength(30)
  for (const { what, sides, ratios } of report.results) {
    expect(
      sides.map(({ runs }) => runs.length),
      what,
    ).toEqual([1, 1])
    for (const { median } of sides) {
      expect(median.rate, what).toBeGreaterThan(0)
      expect(median.counts['lost'] ?? 0, what).toBe(0)
      expect(median.counts['refused'] ?? 0, what).toBe(0)
      if (median.counts['checked'] !== undefined) expect(median.counts['checked'], what).toBeGreaterThan(0)
    }
    expect(ratios?.rate.median, what).toBeGreaterThan(0)
  }
  const [a, b] = servers.map(({ relay }) =>
    relay
      .admitted()
      .map(({ id }) => id)
      .sort(),
  )
  expect(a).toEqual(b)
}, 120_000)

test('a relay that writes spaces into its messages is understood', async () => {
  const stringify = (message: unknown) => JSON.stringify(message, null, 1)
  const { results } = await run(2, 'publish-1x1,req-ids-c1,fanout-100', { stringify })
  expect(
    results.find(({ mode }) => mode === 'req-ids-c1')?.sides[0]?.median.counts['eventsPerRequest'],
  ).toBeGreaterThan(15)
  expect(results.find(({ mode }) => mode === 'fanout-100')?.sides[0]?.median.counts['lost']).toBe(0)
})

/** Only what the mode asks is answered wrongly, not the questions before it. */
const wrong = (answer: (events: SignedEvent[]) => SignedEvent[]): Twists => ({
  answer: (right, [filter]) => (filter?.authors?.length === 10 && right.length > 1 ? answer(right) : right),
})

test.each<[string, Twists, RegExp]>([
  ['forgets the newest', wrong((right) => right.slice(1)), /events instead of|a newer event is missing/],
  ['answers in the wrong order', wrong((right) => [...right].reverse()), /newest first/],
  ['says an event twice', wrong((right) => [...right.slice(0, 1), ...right]), /comes twice/],
  [
    'shows what nobody asked for',
    wrong((right) => [...right.slice(1), events[0] as SignedEvent]),
    /are wrong/,
  ],
  [
    'refuses an event for good',
    { refusal: ({ kind }) => (kind === 7 ? 'blocked: no' : null) },
    /blocked: no/,
  ],
])('a relay that %s fails the run with the reason', async (_what, twists, words) => {
  await expect(run(1, 'req-authors-c1', twists)).rejects.toThrow(words)
})

test('an event that does not reach everybody is a loss, one that is refused at first a refusal', async () => {
  const refusedOnce = new Set<string>()
  const lossy: Twists = {
    isLost: ({ id }) => id.endsWith('0') || id.endsWith('1'),
    refusal: ({ id }) => {
      if (!/[4-9]$/.test(id) || refusedOnce.has(id)) return null
      refusedOnce.add(id)
      return 'rate-limited: slow down'
    },
  }
  const { results } = await run(1, 'fanout-100,publish-64x32', lossy)
  const counts = (wanted: string) => results.find(({ mode }) => mode === wanted)?.sides[0]?.runs[0]?.counts
  expect(counts('fanout-100')?.['lost']).toBeGreaterThan(0)
  expect(counts('publish-64x32')?.['refused']).toBeGreaterThan(0)
  expect(servers[0]?.relay.admitted()).toHaveLength(300 + 40)
}, 60_000)

test('a second run goes on in the pool where the first one ended', async () => {
  const relay = await target()
  const once = () =>
    bench({ targets: [relay], runs: 1, command: '' }, { ...OPTIONS, modes: 'publish-1x1' }, quiet)
  expect((await once()).corpus.loadedEvents).toBe(300)
  expect((await once()).corpus.loadedEvents).toBe(320)
})

test('what is no relay, or goes away, ends the bench with a reason', async () => {
  const nobody = useRelay('ws://127.0.0.1:9', { pids: [] })
  const plan = { targets: [nobody], runs: 1, command: '' }
  await expect(bench(plan, { ...OPTIONS, modes: 'publish' }, quiet)).rejects.toThrow(/ECONNREFUSED/)
  const leaving = await target({
    refusal: () => {
      servers[0]?.close()
      return null
    },
  })
  const leavingPlan = { targets: [leaving], runs: 1, command: '' }
  await expect(bench(leavingPlan, { ...OPTIONS, modes: 'publish' }, quiet)).rejects.toThrow(
    /closed|ECONNRESET/,
  )
})
