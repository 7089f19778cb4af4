export interface Flow {
  /** Stops reading from the client. */
  pause(): void
  resume(): void
}

/**
 * Frames of one client, handled in order. A handler that returns a promise holds back the frames behind it; meanwhile the socket is not
 * read, so what waits here is at most what one read of the socket held.
 */
export class Inbox {
  readonly #handle: (text: string) => Promise<void> | undefined
  readonly #flow: Flow
  #waiting: string[] = []
  #isBusy = false
  #isClosed = false

  constructor(handle: (text: string) => Promise<void> | undefined, flow: Flow) {
    this.#handle = handle
    this.#flow = flow
  }

  push(text: string): void {
    if (this.#isClosed) return
    if (this.#isBusy) this.#waiting.push(text)
    else this.#run(text)
  }

  close(): void {
    this.#isClosed = true
    this.#waiting = []
  }

  #run(text: string): void {
    const held = this.#handle(text)
    if (held === undefined) return
    this.#isBusy = true
    this.#flow.pause()
    void held.finally(() => this.#goOn())
  }

  #goOn(): void {
    this.#isBusy = false
    while (!this.#isBusy && !this.#isClosed) {
      const text = this.#waiting.shift()
      if (text !== undefined) this.#run(text)
      else {
        this.#flow.resume()
        return
      }
    }
  }
}
