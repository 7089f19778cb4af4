import { expect, test } from 'vitest'
import { lehmer, medianInterval } from './bootstrap.ts'
import { Latencies } from './latency.ts'
import { median } from './median.ts'

test('latencies keep three digits, and nothing at all is zero', () => {
  const latencies = new Latencies()
  expect(latencies.percentiles()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 })
  for (let ms = 1; ms <= 1_000; ms++) latencies.recordMs(ms)
  const { count, p50, p95, p99 } = latencies.percentiles()
  expect(count).toBe(1_000)
  for (const [measured, expected] of [
    [p50, 500],
    [p95, 950],
    [p99, 990],
  ] as const)
    expect(Math.abs(measured - expected) / expected).toBeLessThan(0.002)
})

test('latencies of several connections add up', () => {
  const [all, even, odd] = [new Latencies(), new Latencies(), new Latencies()]
  for (let ms = 1; ms <= 100; ms++) (ms % 2 === 0 ? even : odd).recordMs(ms)
  all.add(even)
  all.add(odd)
  const { count, p50, max } = all.percentiles()
  expect([count, Math.round(p50), Math.round(max)]).toEqual([100, 50, 100])
})

test('the median is the middle, or between the two middle ones', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([7])).toBe(7)
  expect(median([])).toBeNaN()
})

test('a bootstrap interval holds the median, is narrow for like values, and the same every time', () => {
  const values = [1.02, 0.98, 1.01, 0.99, 1, 1.03, 0.97, 1.005, 0.995, 1.01]
  const interval = medianInterval(values)
  expect(interval.low).toBeLessThanOrEqual(interval.median)
  expect(interval.high).toBeGreaterThanOrEqual(interval.median)
  expect(interval.high - interval.low).toBeLessThan(0.05)
  expect(medianInterval(values)).toEqual(interval)
  expect(medianInterval([2, 2, 2])).toEqual({ median: 2, low: 2, high: 2 })
  expect(medianInterval([1.5])).toEqual({ median: 1.5, low: Number.NaN, high: Number.NaN })
})

test('in about 95 of 100 samples the interval holds the true median', () => {
  const random = lehmer(7)
  // A skewed distribution, as ratios of times are: its median is 1.
  const draw = () => Math.exp(random() + random() + random() - 1.5)
  let held = 0
  for (let trial = 0; trial < 100; trial++) {
    const { low, high } = medianInterval(Array.from({ length: 15 }, draw))
    if (low <= 1 && high >= 1) held++
  }
  expect(held).toBeGreaterThanOrEqual(88)
  expect(held).toBeLessThanOrEqual(100)
})
