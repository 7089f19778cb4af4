import { until } from '@millrace/testkit'
import { expect, test } from 'vitest'
import type { RecordBatch } from '../port.ts'
import { ConcurrencyGate } from './concurrency-gate.ts'
import { Lane, type LaneOptions } from './lane.ts'

const AT = { topic: 't', partition: 0 }

/** A fetched run of `count` offsets from `first`, of which every `keep`-th still has its record. */
function batch(first: number, count: number, keep = 1): RecordBatch {
  const offsets = Array.from({ length: count }, (_, index) => first + index).filter(
    (offset) => offset % keep === 0,
  )
  const records = offsets.map((offset) => ({
    ...AT,
    offset,
    timestampMs: 0,
    key: null,
    value: null,
    headers: {},
  }))
  return { ...AT, records: keep === 0 ? [] : records, nextOffset: first + count, endOffset: 1_000 }
}

function setup(options: Partial<LaneOptions> = {}) {
  const delivered: RecordBatch[] = []
  const failures: unknown[] = []
  let hungry = 0
  let release: () => void = () => undefined
  const stop = new AbortController()
  const lane = new Lane(AT, 0, 1_000, {
    batchRecordsMax: 10,
    bufferedBytesMax: 100,
    gate: new ConcurrencyGate(1),
    signal: stop.signal,
    deliver: (taken) => {
      delivered.push(taken)
      return new Promise((resolve) => {
        release = resolve
      })
    },
    onFailure: (error) => failures.push(error),
    onHungry: () => hungry++,
    ...options,
  })
  return { lane, delivered, failures, stop, release: () => release(), hungry: () => hungry }
}

const sizes = (batches: readonly RecordBatch[]) => batches.map(({ records }) => records.length)

test('hands over one batch at a time and gathers the rest up to the limit', async () => {
  const { lane, delivered, release } = setup()
  lane.push(batch(0, 4), 10)
  await until(() => delivered.length === 1, { what: 'the first batch' })
  lane.push(batch(4, 3), 10)
  lane.push(batch(7, 12), 10)
  expect(sizes(delivered)).toEqual([4])
  release()
  await until(() => delivered.length === 2, { what: 'the second batch' })
  expect(delivered[1]).toMatchObject({ nextOffset: 14 })
  release()
  await until(() => delivered.length === 3, { what: 'the third batch' })
  expect(sizes(delivered)).toEqual([4, 10, 5])
  expect(delivered[2]).toMatchObject({ nextOffset: 19 })
  release()
  await lane.idle()
  expect(lane.busy).toBe(false)
})

test('wants no more while it holds enough, and says when it does again', async () => {
  const { lane, delivered, release, hungry } = setup()
  lane.push(batch(0, 1), 100)
  await until(() => delivered.length === 1, { what: 'the first batch' })
  expect(lane.hungry).toBe(true)
  lane.push(batch(1, 1), 60)
  lane.push(batch(2, 1), 60)
  expect(lane.hungry).toBe(false)
  const before = hungry()
  release()
  await until(() => delivered.length === 2, { what: 'the second batch' })
  expect(lane.hungry).toBe(true)
  expect(hungry()).toBe(before + 1)
  release()
  await lane.idle()
})

test('passes emptied ranges on as a batch without records', async () => {
  const { lane, delivered, release } = setup()
  lane.push({ ...batch(0, 5), records: [] }, 0)
  await until(() => delivered.length === 1, { what: 'the empty batch' })
  expect(delivered[0]).toMatchObject({ records: [], nextOffset: 5 })
  release()
  await lane.idle()
})

test('an answer that brings nothing new only tells the end', () => {
  const { lane, delivered } = setup()
  lane.push({ ...AT, records: [], nextOffset: 0, endOffset: 2_000 }, 0)
  expect(lane.endOffset).toBe(2_000)
  expect(delivered).toEqual([])
  expect(lane.busy).toBe(false)
})

test('the end is never behind what was read', () => {
  const { lane } = setup()
  lane.push({ ...batch(0, 5), endOffset: 3 }, 0)
  expect(lane.endOffset).toBe(5)
})

test('after the abort nothing more is handed over', async () => {
  const { lane, delivered, release, stop } = setup()
  lane.push(batch(0, 2), 10)
  await until(() => delivered.length === 1, { what: 'the first batch' })
  lane.push(batch(2, 2), 10)
  stop.abort()
  release()
  await lane.idle()
  expect(sizes(delivered)).toEqual([2])
})

test("the owner's failure is reported once, unless it was told to stop", async () => {
  const failing = setup({ deliver: () => Promise.reject(new Error('no')) })
  failing.lane.push(batch(0, 2), 10)
  await failing.lane.idle()
  expect(failing.failures).toEqual([new Error('no')])

  const stopped = setup({
    deliver: async (_, signal) => {
      await until(() => signal.aborted, { what: 'the abort' })
      throw new Error('aborted')
    },
  })
  stopped.lane.push(batch(0, 2), 10)
  stopped.stop.abort()
  await stopped.lane.idle()
  expect(stopped.failures).toEqual([])
})

test('a lane with an end finishes there', () => {
  const { lane } = setup({ untilOffset: 5 })
  expect(lane.finished).toBe(false)
  lane.push(batch(0, 5), 0)
  expect(lane.finished).toBe(true)
  expect(lane.hungry).toBe(false)
})
