/** @clickhouse/client looks at its signal only a timer turn after the call, and an abort before that is lost on it. */
const ABORT_NOTICED_AFTER_MS = 5

/** Ends one call when its time is up or its caller leaves, whichever comes first. */
export class Deadline implements Disposable {
  readonly #startedMs = performance.now()
  readonly #ended = new AbortController()
  readonly #passedOn = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #caller: AbortSignal | undefined
  readonly #leave = () => this.#end()
  #isTimeUp = false

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#timer = setTimeout(() => {
      this.#isTimeUp = true
      this.#end()
    }, timeoutMs)
    this.#caller = caller
    if (caller?.aborted) this.#end()
    else caller?.addEventListener('abort', this.#leave, { once: true })
  }

  get isTimeUp(): boolean {
    return this.#isTimeUp
  }

  /** Aborts at once. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /** The same for the client's requests: aborts when a request that was just made can notice. */
  get requestSignal(): AbortSignal {
    return this.#passedOn.signal
  }

  #end(): void {
    this.#ended.abort()
    const leftMs = ABORT_NOTICED_AFTER_MS - (performance.now() - this.#startedMs)
    if (leftMs <= 0) this.#passedOn.abort()
    else setTimeout(() => this.#passedOn.abort(), leftMs)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#leave)
  }
}
