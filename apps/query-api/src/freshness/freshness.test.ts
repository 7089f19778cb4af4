import { expect, test } from 'vitest'
import { freshnessJson, freshnessOf } from './freshness.ts'

const NOW_MS = 1_800_000_000_000
const marks = (...entries: [nextOffset: number, appendedAtMs: number][]) =>
  new Map(entries.map(([nextOffset, appendedAtMs], partition) => [partition, { nextOffset, appendedAtMs }]))
const log = (...ends: number[]) => ({ atMs: NOW_MS, ends: new Map(ends.entries()) })

test('everything is stored: as fresh as the question, however long ago the last event was', () => {
  expect(freshnessOf(marks([5, 100], [7, 200]), log(5, 7))).toEqual({
    snapshotAsOfMs: NOW_MS,
    isPartial: false,
  })
})

test('a partition that never had a record needs no watermark', () => {
  expect(freshnessOf(marks([5, 100]), log(5, 0))).toEqual({ snapshotAsOfMs: NOW_MS, isPartial: false })
})

test('storage that moved on since the log was asked is not behind', () => {
  expect(freshnessOf(marks([9, 100]), log(5)).isPartial).toBe(false)
})

test('the partition that lags the most decides', () => {
  expect(freshnessOf(marks([5, 300], [6, 200], [7, 100]), log(6, 7, 7))).toEqual({
    snapshotAsOfMs: 200,
    isPartial: true,
  })
})

test('a partition of which nothing is stored: nothing is known', () => {
  expect(freshnessOf(marks([5, 100]), log(5, 1))).toEqual({ snapshotAsOfMs: null, isPartial: true })
  expect(freshnessOf(marks([5, 0]), log(6))).toEqual({ snapshotAsOfMs: null, isPartial: true })
})

test('without the log only what the watermarks prove is claimed', () => {
  expect(freshnessOf(marks([5, 300], [6, 200]), null)).toEqual({ snapshotAsOfMs: 200, isPartial: true })
  expect(freshnessOf(marks(), null)).toEqual({ snapshotAsOfMs: null, isPartial: true })
})

test('a topic that is not there yet proves nothing', () => {
  expect(freshnessOf(marks(), log()).isPartial).toBe(true)
})

test('times are told in ISO 8601', () => {
  expect(freshnessJson({ snapshotAsOfMs: NOW_MS, isPartial: false }).snapshotAsOf).toBe(
    '2027-01-15T08:00:00.000Z',
  )
  expect(freshnessJson({ snapshotAsOfMs: null, isPartial: true }).snapshotAsOf).toBeNull()
})
