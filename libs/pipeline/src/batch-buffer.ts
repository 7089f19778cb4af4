import type { Clock } from '@millrace/kernel'
import type { Portion } from './lane.ts'

export interface BatchOptions {
  /** Records of one write at most. */
  readonly rowsMax: number
  /** Bytes of record values of one write at most. */
  readonly bytesMax: number
  /** Longest wait for company, milliseconds; a tenth of it after a quiet time, five times it while behind. */
  readonly waitMs: number
}

/** A single record after quiet is written soon; a consumer that is behind waits for full batches. */
const QUIET_DIVISOR = 10
const BEHIND_FACTOR = 5

/**
 * Portions of all partitions on their way into one write: many small inserts cost ClickHouse more than one large one.
 * Bounded: a portion waits for room, and its partition with it.
 */
export class BatchBuffer<T> {
  readonly #options: BatchOptions
  readonly #clock: Clock
  readonly #portions: Portion<T>[] = []
  readonly #waiting = new Set<() => void>()
  #wakeWriter: () => void = () => {}
  #rows = 0
  #bytes = 0
  #firstAtMs = 0
  #takenAtMs: number

  constructor(options: BatchOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#takenAtMs = clock.nowMs() - options.waitMs
  }

  get rows(): number {
    return this.#rows
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds a portion once there is room; false when the signal aborted first. */
  async add(portion: Portion<T>, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && !this.#hasRoomFor(portion)) await this.#roomMade(signal)
    if (signal.aborted) return false
    if (this.#portions.length === 0) this.#firstAtMs = this.#clock.nowMs()
    this.#portions.push(portion)
    this.#rows += portion.batch.records.length
    this.#bytes += portion.bytes
    this.#wakeWriter()
    return true
  }

  /** Resolves when a batch is due, or when the signal aborts. */
  async due(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const leftMs = this.#portions.length === 0 ? null : this.#leftMs()
      if (leftMs !== null && leftMs <= 0) return
      await this.#changed(leftMs, signal)
    }
  }

  /** Everything buffered, in the order it came. */
  take(): Portion<T>[] {
    const taken = this.#portions.splice(0)
    this.#rows = 0
    this.#bytes = 0
    this.#takenAtMs = this.#clock.nowMs()
    this.#makeRoom()
    return taken
  }

  /** Gives up what belongs to revoked lanes, and answers it: their next owner reads it again. */
  dropRevoked(): Portion<T>[] {
    const dropped = this.#portions.filter(({ lane }) => lane.revoked.aborted)
    const kept = this.#portions.filter(({ lane }) => !lane.revoked.aborted)
    this.#portions.splice(0, this.#portions.length, ...kept)
    this.#rows = kept.reduce((sum, portion) => sum + portion.batch.records.length, 0)
    this.#bytes = kept.reduce((sum, portion) => sum + portion.bytes, 0)
    this.#makeRoom()
    return dropped
  }

  #hasRoomFor(portion: Portion<T>): boolean {
    if (this.#portions.length === 0) return true
    const { rowsMax, bytesMax } = this.#options
    return this.#rows + portion.batch.records.length <= rowsMax && this.#bytes + portion.bytes <= bytesMax
  }

  #leftMs(): number {
    const { rowsMax, bytesMax } = this.#options
    if (this.#waiting.size > 0 || this.#rows >= rowsMax || this.#bytes >= bytesMax) return 0
    return this.#firstAtMs + this.#waitMs() - this.#clock.nowMs()
  }

  #waitMs(): number {
    const { waitMs } = this.#options
    if (this.#portions.some(({ lane }) => lane.isBehind)) return waitMs * BEHIND_FACTOR
    const quiet = this.#firstAtMs - this.#takenAtMs >= waitMs
    return quiet ? waitMs / QUIET_DIVISOR : waitMs
  }

  #roomMade(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      this.#waiting.add(done)
      this.#wakeWriter()
    })
  }

  #makeRoom(): void {
    for (const done of [...this.#waiting]) done()
  }

  #changed(timeoutMs: number | null, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === null ? undefined : setTimeout(() => done(), timeoutMs)
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wakeWriter = () => {}
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      this.#wakeWriter = done
    })
  }
}
