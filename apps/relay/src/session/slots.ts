/** A bounded number of things at once; those who wait are served in order. */
export class Slots {
  readonly #max: number
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor(max: number) {
    this.#max = max
  }

  get taken(): number {
    return this.#taken
  }

  get isFull(): boolean {
    return this.#taken >= this.#max
  }

  /** Takes a slot now, or answers false. */
  tryTake(): boolean {
    if (this.isFull) return false
    this.#taken++
    return true
  }

  /** Resolves true with a slot taken, or false when the signal aborts first. */
  take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (this.tryTake()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const granted = () => {
        signal.removeEventListener('abort', aborted)
        resolve(true)
      }
      const aborted = () => {
        this.#waiting.delete(granted)
        resolve(false)
      }
      this.#waiting.add(granted)
      signal.addEventListener('abort', aborted, { once: true })
    })
  }

  /** Gives a slot back; it passes to the first who waits. */
  release(): void {
    for (const granted of this.#waiting) {
      this.#waiting.delete(granted)
      granted()
      return
    }
    this.#taken--
  }
}
