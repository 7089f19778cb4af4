import type { Result } from '@millrace/kernel'

/** A value that is costly to get: got once for everybody who asks meanwhile and for a while after its question; faults are not kept. */
export class Remembered<T> {
  readonly #get: () => Promise<Result<T>>
  readonly #maxAgeMs: number
  #pending: Promise<Result<T>> | null = null
  #goodUntilMs = 0
  #value: Result<T> | null = null

  constructor(get: () => Promise<Result<T>>, maxAgeMs: number) {
    this.#get = get
    this.#maxAgeMs = maxAgeMs
  }

  async read(): Promise<Result<T>> {
    if (this.#value !== null && performance.now() < this.#goodUntilMs) return this.#value
    this.#pending ??= this.#refresh().finally(() => {
      this.#pending = null
    })
    return this.#pending
  }

  async #refresh(): Promise<Result<T>> {
    const askedMs = performance.now()
    const result = await this.#get()
    this.#value = result.ok ? result : null
    this.#goodUntilMs = askedMs + this.#maxAgeMs
    return result
  }
}
