/** Time as an argument, so that folds and limits are testable without waiting. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Seconds since the Unix epoch, rounded down: the unit of NIP-01's created_at. */
  nowS(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowS: () => Math.floor(Date.now() / 1000),
}

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  #nowMs: number

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  nowS(): number {
    return Math.floor(this.#nowMs / 1000)
  }

  advanceMs(ms: number): void {
    this.#nowMs += ms
  }
}
