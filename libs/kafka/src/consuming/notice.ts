/** Wakes whoever waits; a notification without a waiter is kept for the next one. */
export class Notice {
  #kept = false
  #waiting: Promise<void> | null = null
  #wake: () => void = () => undefined

  notify(): void {
    if (!this.#waiting) {
      this.#kept = true
      return
    }
    this.#waiting = null
    this.#wake()
  }

  /** All who wait at the same time share one promise. */
  wait(): Promise<void> {
    if (this.#kept) {
      this.#kept = false
      return Promise.resolve()
    }
    this.#waiting ??= new Promise((resolve) => {
      this.#wake = resolve
    })
    return this.#waiting
  }
}
