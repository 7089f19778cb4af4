import { unwrap } from '@millrace/kernel'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { migrate } from './migrations.ts'
import { connect } from './testing.ts'
import { checkLogId, createWatermarkStore, readWatermarks, writeWatermarks } from './watermarks.ts'

const ch = connect()
const LOG = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
const OTHER_LOG = '6fa459ea-ee8a-3ca4-894e-db77e160355e'
const TOPIC = 'nostr.events.v1'

beforeEach(async () => {
  unwrap(await migrate(ch, []))
  unwrap(await ch.command('TRUNCATE TABLE nostr_store.watermarks SYNC'))
})
afterAll(() => ch.close())

const offsets = async (sink: string) =>
  [...unwrap(await readWatermarks(ch, sink, TOPIC))].map(([partition, { nextOffset }]) => [
    partition,
    nextOffset,
  ])

test('a late writer never moves a watermark back, before and after merges', async () => {
  const store = createWatermarkStore(ch, 'storage')
  unwrap(
    await store.write(TOPIC, LOG, [
      { partition: 0, nextOffset: 10 },
      { partition: 7, nextOffset: 3 },
    ]),
  )
  unwrap(await store.write(TOPIC, LOG, [{ partition: 0, nextOffset: 4 }]))
  expect(await offsets('storage')).toEqual([
    [0, 10],
    [7, 3],
  ])
  unwrap(await ch.command('OPTIMIZE TABLE nostr_store.watermarks FINAL'))
  unwrap(await store.write(TOPIC, LOG, [{ partition: 0, nextOffset: 9 }]))
  expect(await offsets('storage')).toEqual([
    [0, 10],
    [7, 3],
  ])
})

test('sinks and topics do not see each other', async () => {
  unwrap(await writeWatermarks(ch, 'storage', TOPIC, LOG, [{ partition: 0, nextOffset: 1 }]))
  expect(await offsets('aggregation')).toEqual([])
  expect([...unwrap(await readWatermarks(ch, 'storage', 'nostr.tombstones.v1'))]).toEqual([])
})

test('times are kept to the millisecond, and the view publishes what the table holds', async () => {
  const appendedAtMs = 1_700_000_000_123
  unwrap(
    await writeWatermarks(ch, 'storage', TOPIC, LOG, [{ partition: 1, nextOffset: 2 ** 40, appendedAtMs }]),
  )
  const mark = unwrap(await readWatermarks(ch, 'storage', TOPIC)).get(1)
  expect(mark).toMatchObject({ logId: LOG, nextOffset: 2 ** 40, appendedAtMs })
  expect(Math.abs(Date.now() - (mark?.appliedAtMs ?? 0))).toBeLessThan(60_000)
  const sql = 'SELECT sink, topic, toString(log_id) AS log_id, partition, next_offset FROM nostr.watermarks'
  expect(unwrap(await ch.query(sql))).toEqual([
    { sink: 'storage', topic: TOPIC, log_id: LOG, partition: 1, next_offset: 2 ** 40 },
  ])
})

test('a store with two logs, and a store of another log, are foreign', async () => {
  unwrap(await writeWatermarks(ch, 'storage', TOPIC, LOG, [{ partition: 0, nextOffset: 1 }]))
  const marks = unwrap(await readWatermarks(ch, 'storage', TOPIC))
  expect(checkLogId('storage', marks, LOG).ok).toBe(true)
  expect(checkLogId('storage', new Map(), LOG).ok).toBe(true)
  expect(checkLogId('storage', marks, OTHER_LOG)).toMatchObject({
    ok: false,
    fault: { code: 'log-foreign', kind: 'fatal' },
  })
  unwrap(await writeWatermarks(ch, 'storage', TOPIC, OTHER_LOG, [{ partition: 0, nextOffset: 1 }]))
  expect(await readWatermarks(ch, 'storage', TOPIC)).toMatchObject({
    ok: false,
    fault: { code: 'log-foreign' },
  })
})
