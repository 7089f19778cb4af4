import { build, type Histogram } from 'hdr-histogram-js'

const MICROSECONDS_PER_MS = 1_000
/** Longest time that is told apart: a minute. */
const MICROSECONDS_MAX = 60_000_000

/** Milliseconds. */
export interface Percentiles {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Collects times in milliseconds with three significant digits, in constant memory. */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MICROSECONDS_MAX,
    numberOfSignificantValueDigits: 3,
  })

  recordMs(ms: number): void {
    this.#histogram.recordValue(Math.min(MICROSECONDS_MAX, Math.max(1, Math.round(ms * MICROSECONDS_PER_MS))))
  }

  /** Takes in everything that others collected. */
  add(others: Latencies): void {
    this.#histogram.add(others.#histogram)
  }

  percentiles(): Percentiles {
    const at = (percentile: number) => this.#histogram.getValueAtPercentile(percentile) / MICROSECONDS_PER_MS
    const count = this.#histogram.totalCount
    return count === 0
      ? { count, p50: 0, p95: 0, p99: 0, max: 0 }
      : { count, p50: at(50), p95: at(95), p99: at(99), max: this.#histogram.maxValue / MICROSECONDS_PER_MS }
  }
}
