import { delayMs } from '@millrace/kernel'
import type { Corpus } from '../corpus/corpus.ts'
import { Latencies, type Percentiles } from '../stats/latency.ts'
import type { Range } from './publish-range.ts'

const LOOK_MS = 5

/** Counts every event of a range at every subscriber exactly: a loss is a number, and a double does not hide it. */
export class Deliveries {
  readonly #corpus: Corpus
  readonly #range: Range
  readonly #subscribers: number
  readonly #sentMs: Float64Array
  readonly #arrived: Uint8Array
  readonly #latencies = new Latencies()
  #lastKey = Number.NaN
  #lastSlot = -1
  #count = 0
  #doubles = 0

  constructor(corpus: Corpus, range: Range, subscribers: number) {
    this.#corpus = corpus
    this.#range = range
    this.#subscribers = subscribers
    this.#sentMs = new Float64Array(range.to - range.from)
    this.#arrived = new Uint8Array(this.#sentMs.length * subscribers)
  }

  get count(): number {
    return this.#count
  }

  get doubles(): number {
    return this.#doubles
  }

  /** From sending an EVENT to its arrival at a subscriber. */
  get timesMs(): Percentiles {
    return this.#latencies.percentiles()
  }

  sent({ from, to }: Range): void {
    this.#sentMs.fill(performance.now(), from - this.#range.from, to - this.#range.from)
  }

  arrived(subscriber: number, key: number, nowMs: number): void {
    // The same event comes to many subscribers in a row.
    if (key !== this.#lastKey) {
      this.#lastKey = key
      this.#lastSlot = (this.#corpus.indexOf(key) ?? -1) - this.#range.from
    }
    const slot = this.#lastSlot
    if (slot < 0 || slot >= this.#sentMs.length) return
    const cell = slot * this.#subscribers + subscriber
    if (this.#arrived[cell] !== 0) {
      this.#doubles++
      return
    }
    this.#arrived[cell] = 1
    this.#count++
    this.#latencies.recordMs(nowMs - (this.#sentMs[slot] as number))
  }

  /** Resolves when `events` have reached every subscriber, or when nothing more has come for `silenceMs`. */
  async settled(events: number, silenceMs: number): Promise<void> {
    let [seen, sinceMs] = [this.#count, performance.now()]
    while (this.#count < events * this.#subscribers && performance.now() - sinceMs < silenceMs) {
      await delayMs(LOOK_MS)
      if (this.#count === seen) continue
      seen = this.#count
      sinceMs = performance.now()
    }
  }
}
