/** Lets the live reader wait until storage's watermark has freed room in the overlay. */
export class Room {
  readonly #waiters = new Set<() => void>()

  /** Whether the reader is held back. */
  get isAwaited(): boolean {
    return this.#waiters.size > 0
  }

  /** Resolves at the next `announce`, or when the signal aborts. */
  freed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = () => {
        this.#waiters.delete(settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      this.#waiters.add(settle)
      signal.addEventListener('abort', settle, { once: true })
    })
  }

  announce(): void {
    for (const settle of this.#waiters) settle()
  }
}
