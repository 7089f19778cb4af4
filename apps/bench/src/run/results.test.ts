import { expect, test } from 'vitest'
import type { Row } from '../modes/mode.ts'
import { medianRow, Results } from './results.ts'

const row = (rate: number, p50: number, lost = 0): Row => ({
  what: 'fanout',
  rate,
  unit: 'deliveries/s',
  timesMs: { count: 10, p50, p95: p50 * 2, p99: p50 * 3, max: p50 * 4 },
  counts: { lost },
  cpu: { toolCores: 0.5, relayCores: null },
})

test('every number of the median row is a median by itself', () => {
  const middle = medianRow([row(10, 3, 1), row(30, 1, 0), row(20, 2, 0)])
  expect(middle).toEqual({ ...row(20, 2, 0) })
})

test('run n is compared with run n', () => {
  const results = new Results(2)
  for (const [a, b] of [
    [100, 200],
    [10, 30],
    [1_000, 1_000],
  ] as const) {
    results.add('fanout', 0, [row(a, a)])
    results.add('fanout', 1, [row(b, b * 2)])
  }
  const [only, ...others] = results.list()
  expect(others).toEqual([])
  expect(only?.ratios?.rate.median).toBe(2)
  expect(only?.ratios?.p50?.median).toBe(4)
  expect(only?.sides.map(({ median }) => median.rate)).toEqual([100, 200])
})

test('one side has no ratios, and rows without times none for them', () => {
  const single = new Results(1)
  single.add('idle', 0, [{ ...row(5, 1), timesMs: null }])
  expect(single.list()[0]?.ratios).toBeNull()
  const both = new Results(2)
  for (const side of [0, 1]) both.add('idle', side, [{ ...row(5, 1), timesMs: null }])
  expect(both.list()[0]?.ratios).toMatchObject({ rate: { median: 1 }, p50: null, p99: null })
})
