/** Lets one piece of work per key run at a time, in the order of asking; different keys do not wait for each other. */
export class KeyLock {
  readonly #tails = new Map<string, Promise<void>>()

  /** Keys that are locked or waited for. */
  get size(): number {
    return this.#tails.size
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    let release = () => {}
    const tail = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#tails.set(key, tail)
    await before
    try {
      return await work()
    } finally {
      release()
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
  }
}
