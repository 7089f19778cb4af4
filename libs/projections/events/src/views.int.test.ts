import { unwrap } from '@millrace/kernel'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import { arbitraryLog, batchesOf } from './testing/arbitrary-log.ts'
import { expectedOf, shownBy } from './testing/oracle.ts'
import { connect, emptyStore, mergeStore, migrateStore, recordsOf } from './testing/store.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 12)
const ch = connect()
const sink = createEventsSink(connect({ username: 'millrace_insert' }))

beforeAll(() => migrateStore(ch))
afterAll(() => ch.close())

test('every view equals the naive relay, whatever the order, the batches, redeliveries and merges', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryLog(), fc.boolean(), async (log, isMerged) => {
      await emptyStore(ch)
      const records = recordsOf(log.events)
      for (const [index, batch] of batchesOf(records, log.cuts).entries()) {
        if (index === log.tombstonesBefore) unwrap(await sink.applyTombstones(log.tombstones))
        unwrap(await sink.apply(batch))
        if (isMerged) await mergeStore(ch)
      }
      unwrap(await sink.applyTombstones(log.tombstones))
      const expected = expectedOf(log.events, log.tombstones)
      expect(await shownBy(ch)).toEqual(expected)
      // Everything once more: a rebalance or a restart from an older watermark.
      unwrap(await sink.applyTombstones(log.tombstones))
      unwrap(await sink.apply(records))
      if (isMerged) await mergeStore(ch)
      expect(await shownBy(ch)).toEqual(expected)
    }),
    { numRuns: RUNS },
  )
}, 300_000)

test('who erases and who writes at the same time cannot miss each other', async () => {
  const other = createEventsSink(connect({ username: 'millrace_insert' }))
  await fc.assert(
    fc.asyncProperty(arbitraryLog({ tombstonesMax: 8 }), async (log) => {
      await emptyStore(ch)
      const writing = (async () => {
        for (const batch of batchesOf(recordsOf(log.events), log.cuts)) unwrap(await sink.apply(batch))
      })()
      const erasing = other.applyTombstones(log.tombstones)
      await writing
      unwrap(await erasing)
      expect(await shownBy(ch)).toEqual(expectedOf(log.events, log.tombstones))
    }),
    { numRuns: RUNS },
  )
}, 300_000)
