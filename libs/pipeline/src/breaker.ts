import { type Clock, type Fault, fatal } from '@millrace/kernel'

export interface BreakerOptions {
  /** Refused records of one partition with no good one between them that stop the consumer. */
  readonly deadInARowMax: number
  /** Refused records of all partitions within `windowMs` that stop the consumer. */
  readonly deadInWindowMax: number
  readonly windowMs: number
}

/**
 * Tells single poisoned records from a broken deploy: too many dead letters in a row, or within a window, and the
 * consumer stops before it writes them, so the partition is not drained (DESIGN 2.10).
 */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #clock: Clock
  readonly #inARow = new Map<number, number>()
  /** Times of the dead records within the window, oldest first; never longer than deadInWindowMax. */
  #recentMs: number[] = []

  constructor(options: BreakerOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  good(partition: number): void {
    this.#inARow.delete(partition)
  }

  /** Counts a refused record; the fault dead-letters-too-many (fatal) when it is one too many. */
  dead(partition: number, cause: Fault): Fault | null {
    const inARow = (this.#inARow.get(partition) ?? 0) + 1
    this.#inARow.set(partition, inARow)
    const nowMs = this.#clock.nowMs()
    const { deadInARowMax, deadInWindowMax, windowMs } = this.#options
    this.#recentMs = this.#recentMs.filter((atMs) => atMs > nowMs - windowMs)
    this.#recentMs.push(nowMs)
    const last = `the last one: ${cause.code}`
    if (inARow >= deadInARowMax)
      return tooMany(`${inARow} records in a row of partition ${partition} were refused, ${last}`)
    if (this.#recentMs.length >= deadInWindowMax)
      return tooMany(`${this.#recentMs.length} records were refused within ${windowMs} ms, ${last}`)
    return null
  }

  /** Forgets a partition that was taken away. */
  forget(partition: number): void {
    this.#inARow.delete(partition)
  }
}

const tooMany = (what: string): Fault =>
  fatal(
    'dead-letters-too-many',
    `${what}. Nothing of this batch was passed over: fix the cause and start again, then \`ctl redrive\``,
  )
