import { median } from './median.ts'

const RESAMPLES = 4_000
const LOW = 0.025
const HIGH = 0.975

/** A median and the interval in which it lies with 95 % confidence. */
export interface Interval {
  readonly median: number
  readonly low: number
  readonly high: number
}

/**
 * The median of measured ratios with its 95 % percentile-bootstrap interval (Efron 1979): the values are drawn with
 * replacement again and again, and the medians of the draws are cut at 2.5 % and 97.5 %. The draws are the same on every
 * run, so that a report can be recomputed.
 */
export function medianInterval(values: readonly number[]): Interval {
  if (values.length < 2) return { median: median(values), low: Number.NaN, high: Number.NaN }
  const random = lehmer(values.length)
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(Array.from(values, () => values[Math.floor(random() * values.length)] as number)),
  ).sort((a, b) => a - b)
  const at = (share: number) => medians[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))] as number
  return { median: median(values), low: at(LOW), high: at(HIGH) }
}

/** Uniform in [0, 1): Park and Miller's minimal standard generator. */
export function lehmer(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
}
