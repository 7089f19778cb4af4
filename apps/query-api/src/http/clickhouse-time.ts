/** Sums up how long one request waited for ClickHouse. */
export class ClickHouseTime {
  #waitedMs = 0
  #didAsk = false

  /** Seconds waited so far; null when nothing was asked. */
  get seconds(): number | null {
    return this.#didAsk ? this.#waitedMs / 1000 : null
  }

  async of<T>(work: () => Promise<T>): Promise<T> {
    this.#didAsk = true
    const startedMs = performance.now()
    try {
      return await work()
    } finally {
      this.#waitedMs += performance.now() - startedMs
    }
  }
}
