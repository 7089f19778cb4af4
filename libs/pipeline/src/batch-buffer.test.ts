import type { RecordBatch } from '@millrace/kafka'
import { ManualClock, systemClock } from '@millrace/kernel'
import { within } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { BatchBuffer } from './batch-buffer.ts'
import { Lane, type Portion } from './lane.ts'

const never = new AbortController().signal

function portion(
  rows: number,
  { lane = new Lane(0, 0, 0), bytes = rows, endOffset = rows } = {},
): Portion<never> {
  const record = { topic: 't', partition: 0, offset: 0, timestampMs: 5, key: null, value: null, headers: {} }
  const batch: RecordBatch = {
    topic: 't',
    partition: 0,
    records: Array.from({ length: rows }, (_, offset) => ({ ...record, offset })),
    nextOffset: rows,
    endOffset,
  }
  lane.take(batch)
  return { lane, batch, accepted: [], refusals: [], redirects: [], bytes, appendedAtMs: 5 }
}

test('a batch is due at once when it is full by rows or by bytes', async () => {
  for (const full of [portion(10), portion(1, { bytes: 1_000 })]) {
    const buffer = new BatchBuffer<never>({ rowsMax: 10, bytesMax: 1_000, waitMs: 60_000 }, systemClock)
    await buffer.add(full, never)
    await within(1_000, 'due', buffer.due(never))
    expect(buffer.take()).toEqual([full])
  }
})

test('a portion waits for room, which makes the batch due; abort gives it up', async () => {
  const buffer = new BatchBuffer<never>({ rowsMax: 10, bytesMax: 1_000, waitMs: 60_000 }, systemClock)
  await buffer.add(portion(6), never)
  const second = portion(6)
  let added = false
  const adding = buffer.add(second, never).then((result) => {
    added = result
  })
  await within(1_000, 'due', buffer.due(never))
  expect(added).toBe(false)
  expect(buffer.take()).toHaveLength(1)
  await within(1_000, 'room', adding)
  expect(buffer.take()).toEqual([second])

  await buffer.add(portion(10), never)
  const abort = new AbortController()
  const refused = buffer.add(portion(1), abort.signal)
  abort.abort()
  expect(await within(1_000, 'refusal', refused)).toBe(false)
  expect(buffer.rows).toBe(10)
})

test('a portion larger than the limits is written alone', async () => {
  const buffer = new BatchBuffer<never>({ rowsMax: 10, bytesMax: 1_000, waitMs: 60_000 }, systemClock)
  expect(await buffer.add(portion(50), never)).toBe(true)
  await within(1_000, 'due', buffer.due(never))
})

/** How long the buffer waits, read by moving the clock: due() answers at once when the time has come. */
async function isDueAfterMs(buffer: BatchBuffer<never>, clock: ManualClock, ms: number): Promise<boolean> {
  clock.advanceMs(ms)
  const abort = new AbortController()
  const due = buffer.due(abort.signal).then(() => !abort.signal.aborted)
  await Promise.resolve()
  abort.abort()
  return due
}

test('a tenth of the wait after quiet, all of it under load, five times while behind', async () => {
  const clock = new ManualClock(1_000_000)
  const buffer = new BatchBuffer<never>({ rowsMax: 100, bytesMax: 1_000, waitMs: 1_000 }, clock)
  await buffer.add(portion(1), never)
  expect(await isDueAfterMs(buffer, clock, 99)).toBe(false)
  expect(await isDueAfterMs(buffer, clock, 1)).toBe(true)
  buffer.take()
  await buffer.add(portion(1), never)
  expect(await isDueAfterMs(buffer, clock, 999)).toBe(false)
  expect(await isDueAfterMs(buffer, clock, 1)).toBe(true)
  buffer.take()
  await buffer.add(portion(1, { endOffset: 100 }), never)
  expect(await isDueAfterMs(buffer, clock, 4_999)).toBe(false)
  expect(await isDueAfterMs(buffer, clock, 1)).toBe(true)
})

test('what belongs to a revoked lane is dropped and makes room', async () => {
  const buffer = new BatchBuffer<never>({ rowsMax: 10, bytesMax: 1_000, waitMs: 60_000 }, systemClock)
  const gone = portion(6)
  const kept = portion(3, { lane: new Lane(1, 0, 0) })
  await buffer.add(gone, never)
  await buffer.add(kept, never)
  const waiting = buffer.add(portion(5), never)
  gone.lane.revoke()
  expect(buffer.dropRevoked()).toEqual([gone])
  expect(await within(1_000, 'room', waiting)).toBe(true)
  expect(buffer.take()).toHaveLength(2)
})
