import { err, ok, type Result, transient } from '@millrace/kernel'

/** Bounds how many requests are answered at once. */
export class Places {
  readonly #placesMax: number
  #taken = 0

  constructor(placesMax: number) {
    this.#placesMax = placesMax
  }

  /** The function that gives the place back, to be called once. Fault: queue-full. */
  take(): Result<() => void> {
    if (this.#taken >= this.#placesMax)
      return err(transient('queue-full', `${this.#placesMax} requests are being answered already`))
    this.#taken += 1
    return ok(() => {
      this.#taken -= 1
    })
  }
}
