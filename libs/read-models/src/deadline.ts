/**
 * A signal that aborts after a time, unless it is disposed of before. AbortSignal.timeout keeps its timer to the end, which
 * under load adds up to minutes' worth of timers for reads that took milliseconds.
 */
export class Deadline implements Disposable {
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => this.#abort.abort(), timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
