import { expect, test } from 'vitest'
import { StallWatch, type WatchedPartition } from './stall-watch.ts'

const at = (change: Partial<WatchedPartition> = {}): WatchedPartition => ({
  topic: 't',
  partition: 0,
  position: 10,
  endOffset: 20,
  busy: false,
  ...change,
})

test('a partition with lag and an idle owner that stands still for the timeout is stalled', () => {
  const watch = new StallWatch(1_000)
  expect(watch.check([at()], 0)).toBeNull()
  expect(watch.check([at()], 999)).toBeNull()
  expect(watch.check([at({ partition: 1 }), at()], 1_000)).toEqual(at())
})

test.each([
  ['moving', at({ position: 11 })],
  ['at the end', at({ endOffset: 10 })],
  ['held back by its owner', at({ busy: true })],
])('a partition that is %s starts the wait anew', (_, between) => {
  const watch = new StallWatch(1_000)
  watch.check([at()], 0)
  expect(watch.check([between], 900)).toBeNull()
  expect(watch.check([between.position === 10 ? at() : between], 1_000)).toBeNull()
})

test('one that keeps being busy never stalls', () => {
  const watch = new StallWatch(1_000)
  for (let nowMs = 0; nowMs < 60_000; nowMs += 500)
    expect(watch.check([at({ busy: true })], nowMs)).toBeNull()
})
