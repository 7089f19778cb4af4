/** How fast a bucket fills and how much it holds, tokens. With 0 a second there is no limit. */
export interface Rate {
  readonly perS: number
  readonly burst: number
}

/** A rate as its buckets count it: in milliseconds of filling. */
export interface BucketShape {
  readonly tokenMs: number
  readonly burstMs: number
}

export const shapeOf = ({ perS, burst }: Rate): BucketShape =>
  perS === 0
    ? { tokenMs: 0, burstMs: Number.POSITIVE_INFINITY }
    : { tokenMs: 1000 / perS, burstMs: (burst * 1000) / perS }

/** Sums of fractions miss the last token of a burst by less than this, milliseconds. */
const ROUNDING_MS = 0.001

/**
 * A token bucket that keeps one number, when it will be full again (the virtual scheduling form of the generic cell rate algorithm,
 * ITU-T I.371). In any window of t seconds it gives out at most burst + perS * t tokens; a clock that steps back gives out fewer.
 *
 * Own code, since limiter and rate-limiter-flexible read the clock themselves, know no debt, and leave to the caller (or to one timer a
 * key) what is the greater part: bounding the number of buckets.
 */
export class TokenBucket {
  readonly #shape: BucketShape
  #fullAtMs = 0

  constructor(shape: BucketShape) {
    this.#shape = shape
  }

  get fullAtMs(): number {
    return this.#fullAtMs
  }

  /** Takes one token: 0; or takes none, when there is none, and answers in how many milliseconds there is. */
  take(nowMs: number): number {
    const fullAtMs = Math.max(this.#fullAtMs, nowMs) + this.#shape.tokenMs
    const waitMs = fullAtMs - nowMs - this.#shape.burstMs
    if (waitMs > ROUNDING_MS) return waitMs
    this.#fullAtMs = fullAtMs
    return 0
  }

  /** Takes tokens, into debt if need be; answers in how many milliseconds the debt is paid off, 0 when there is none. */
  charge(tokens: number, nowMs: number): number {
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + tokens * this.#shape.tokenMs
    return Math.max(0, this.#fullAtMs - nowMs - this.#shape.burstMs)
  }
}
