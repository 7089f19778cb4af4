import { err, ok, transient } from '@millrace/kernel'
import { createMetrics } from '@millrace/observability'
import type { CurrentVersion, EventReader, ServedEvent } from '@millrace/read-models'
import { sign, testKey } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { KnownLog } from './known-keys.ts'
import { Novelty } from './novelty.ts'
import { Winners } from './winners.ts'

const key = testKey('novelty')
const note = sign({ kind: 1 }, key)
const profile = (created_at: number) => sign({ kind: 0, created_at }, key)
const address = `0:${key.pubkey}:`

/** A store that holds the given things and counts its questions. */
class CountingStore implements Pick<EventReader, 'isKnownNow' | 'lookup' | 'currentVersions'> {
  knownNow: boolean | null = null
  readonly ids = new Map<string, ServedEvent>()
  readonly versions = new Map<string, CurrentVersion>()
  isAway = false
  isSilent = false
  questions = 0

  isKnownNow() {
    return this.knownNow
  }

  async lookup() {
    this.questions++
    if (this.isSilent) await new Promise(() => {})
    return this.isAway ? err(transient('clickhouse-unavailable', 'away')) : ok(this.ids)
  }

  async currentVersions() {
    this.questions++
    if (this.isSilent) await new Promise(() => {})
    return this.isAway ? err(transient('clickhouse-unavailable', 'away')) : ok(this.versions)
  }
}

function setUp() {
  const store = new CountingStore()
  const known = new KnownLog(1_000)
  const metrics = createMetrics('relay')
  const parts = { known, winners: new Winners(10), overlay: { has: () => false }, reader: store, metrics }
  return { store, known, metrics, novelty: new Novelty({ ...parts, recentIdsMax: 10, lookupTimeoutMs: 20 }) }
}

const served: ServedEvent = {
  id: note.id,
  pubkey: note.pubkey,
  kind: 1,
  createdAt: note.created_at,
  json: '',
  partition: 0,
  offset: 0,
}

test('what overlay and view tell at once needs no question, the filters filled or not', async () => {
  const { store, novelty } = setUp()
  store.knownNow = true
  expect(await novelty.judge(note)).toBe('duplicate')
  store.knownNow = false
  expect(await novelty.judge(note)).toBe('new')
  expect(store.questions).toBe(0)
  store.knownNow = null
  expect(await novelty.judge(note)).toBe('new')
  expect(store.questions).toBe(1)
})

test('a key that is proven new needs no question', async () => {
  const { store, known, novelty } = setUp()
  known.markComplete()
  expect(await novelty.judge(note)).toBe('new')
  expect(await novelty.judge(profile(1))).toBe('new')
  expect(store.questions).toBe(0)
})

test('who told is counted, and where the filter was wrong', async () => {
  const { known, novelty, metrics } = setUp()
  known.addId(note.id)
  known.markComplete()
  expect(await novelty.judge(note)).toBe('new')
  novelty.met(note)
  expect(await novelty.judge(note)).toBe('duplicate')
  const text = await metrics.expose()
  expect(text).toContain('relay_duplicate_checks_total{by="store",result="new",app="relay"} 1')
  expect(text).toContain('relay_duplicate_checks_total{by="recent",result="duplicate",app="relay"} 1')
  expect(text).toContain('relay_duplicate_false_positives_total{app="relay"} 1')
})

test('what was met needs none either', async () => {
  const { store, known, novelty } = setUp()
  known.markComplete()
  for (const event of [note, profile(2)]) novelty.met(event)
  expect(await novelty.judge(note)).toBe('duplicate')
  expect(await novelty.judge(profile(1))).toBe('superseded')
  expect(await novelty.judge(profile(2))).toBe('duplicate')
  expect(await novelty.judge(profile(3))).toBe('new')
  expect(store.questions).toBe(0)
})

test('while stored keys are still being read the store is asked, once per address', async () => {
  const { store, novelty } = setUp()
  store.ids.set(note.id, served)
  store.versions.set(address, { id: profile(5).id, createdAt: 5 })
  expect(await novelty.judge(note)).toBe('duplicate')
  expect(await novelty.judge(profile(4))).toBe('superseded')
  expect(await novelty.judge(profile(5))).toBe('duplicate')
  expect(await novelty.judge(profile(6))).toBe('new')
  expect(store.questions).toBe(2)
})

test('while the store is away everything in doubt counts as new, what is known stays known', async () => {
  const { store, novelty } = setUp()
  store.isAway = true
  expect(await novelty.judge(note)).toBe('new')
  expect(await novelty.judge(profile(1))).toBe('new')
  novelty.met(profile(3))
  expect(await novelty.judge(profile(2))).toBe('superseded')
})

test('a store that does not answer holds nobody up', async () => {
  const { store, novelty } = setUp()
  store.isSilent = true
  expect(await novelty.judge(note)).toBe('new')
  expect(await novelty.judge(profile(1))).toBe('new')
})

test('an address met first here is exact without a question', async () => {
  const { store, known, novelty } = setUp()
  known.markComplete()
  novelty.met(profile(2))
  expect(novelty.isKnownSuperseded(profile(1))).toBe(true)
  await novelty.learnVersions([profile(1), profile(3)])
  expect(store.questions).toBe(0)
})
