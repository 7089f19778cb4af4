import { unwrap } from '@millrace/kernel'
import { type NaiveTombstone, sign, testKey } from '@millrace/testkit'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import { arbitraryLog, batchesOf, type Log } from './testing/arbitrary-log.ts'
import { expectedOf, shownBy } from './testing/oracle.ts'
import {
  breakingAt,
  type Crash,
  connect,
  emptyStore,
  mergeStore,
  migrateStore,
  recordsOf,
} from './testing/store.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 12)
const ch = connect()
const arbitraryCrash = fc.constantFrom<Crash>('before the call', 'after the call')

beforeAll(() => migrateStore(ch))
afterAll(() => ch.close())

test('a sink that dies at any statement leaves nothing that redelivery does not put right', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryLog(), fc.nat(14), arbitraryCrash, async (log, callIndex, crash) => {
      await emptyStore(ch)
      const dying = createEventsSink(breakingAt(ch, callIndex, crash), { insertBytesMax: 600 })
      await writeAll(dying, log)
      unwrap(await writeAll(createEventsSink(ch), log))
      expect(await shownBy(ch)).toEqual(expectedOf(log.events, log.tombstones))
    }),
    { numRuns: RUNS },
  )
}, 300_000)

async function writeAll(sink: ReturnType<typeof createEventsSink>, log: Log) {
  for (const [index, batch] of batchesOf(recordsOf(log.events), log.cuts).entries()) {
    if (index === log.tombstonesBefore) {
      const erased = await sink.applyTombstones(log.tombstones)
      if (!erased.ok) return erased
    }
    const applied = await sink.apply(batch)
    if (!applied.ok) return applied
  }
  return sink.applyTombstones(log.tombstones)
}

const author = testKey('crash')
const version = (created_at: number) =>
  sign({ kind: 10002, created_at, tags: [['t', String(created_at)]], content: '' }, author)
const OLD = version(1_700_000_000)
const NEW = version(1_700_000_010)
const ERASES_NEW: NaiveTombstone = {
  author: NEW.pubkey,
  requestId: NEW.id,
  requestCreatedAt: NEW.created_at,
  target: { type: 'event', id: NEW.id },
  floor: null,
  reason: 'deletion',
  recordedAtMs: 0,
}

test.each(['before the call', 'after the call'] as const)(
  'while a winner is erased without a floor, the address shows one version or the other (dying %s)',
  async (crash) => {
    const before = expectedOf([OLD, NEW], [])
    const after = expectedOf([OLD, NEW], [ERASES_NEW])
    let isErased = false
    for (let callIndex = 0; ; callIndex += 1) {
      await emptyStore(ch)
      unwrap(await createEventsSink(ch).apply(recordsOf([OLD, NEW])))
      const breaking = breakingAt(ch, callIndex, crash)
      await createEventsSink(breaking).applyTombstones([ERASES_NEW])
      const shown = await shownBy(ch)
      isErased ||= !shown.events.includes(NEW.id)
      expect(shown, `after ${callIndex} statements`).toEqual(isErased ? after : before)
      if (!breaking.isBroken) break
    }
    expect(isErased).toBe(true)
  },
)

test('an erased winner that is delivered again does not hide the version before it', async () => {
  const expected = expectedOf([OLD, NEW], [ERASES_NEW])
  const sink = createEventsSink(ch)
  await emptyStore(ch)
  unwrap(await sink.applyTombstones([ERASES_NEW]))
  unwrap(await sink.apply(recordsOf([OLD, NEW])))
  expect(await shownBy(ch)).toEqual(expected)
  unwrap(await sink.apply(recordsOf([NEW, OLD])))
  expect(await shownBy(ch)).toEqual(expected)
  await mergeStore(ch)
  unwrap(await sink.apply(recordsOf([NEW])))
  expect(await shownBy(ch)).toEqual(expected)
})
