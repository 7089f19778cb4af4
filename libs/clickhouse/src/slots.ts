import { err, type Fault, ok, type Result, transient } from '@millrace/kernel'

interface Waiter {
  readonly start: () => void
}

const tooLate = (): Fault => transient('clickhouse-unavailable', 'no free ClickHouse query slot in time')

/** A bounded number of slots with a bounded queue before them, first come, first served. */
export class Slots {
  readonly #runningMax: number
  readonly #waitingMax: number
  readonly #waiting: Waiter[] = []
  #running = 0

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Resolves with the function that gives the slot back. Faults: queue-full at once when the queue is full;
   * clickhouse-unavailable when the signal aborts while waiting.
   */
  take(signal: AbortSignal): Promise<Result<() => void, Fault>> {
    if (this.#running < this.#runningMax) {
      this.#running += 1
      return Promise.resolve(ok(this.#releaseOnce()))
    }
    if (signal.aborted) return Promise.resolve(err(tooLate()))
    if (this.#waiting.length >= this.#waitingMax)
      return Promise.resolve(
        err(transient('queue-full', `${this.#waitingMax} ClickHouse queries are waiting already`)),
      )
    return new Promise((resolve) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        resolve(err(tooLate()))
      }
      const waiter: Waiter = {
        start: () => {
          signal.removeEventListener('abort', leave)
          resolve(ok(this.#releaseOnce()))
        },
      }
      this.#waiting.push(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #releaseOnce(): () => void {
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next.start()
    }
  }
}
