/**
 * Reads Avro's binary encoding (1.11, Binary Encoding) piece by piece. A cursor that would leave the bytes is broken and
 * answers zeros from then on, so that its user asks once, at the end.
 */
export class Cursor {
  readonly #bytes: Buffer
  #at: number
  #isBroken = false

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  get isAtEnd(): boolean {
    return !this.#isBroken && this.#at === this.#bytes.length
  }

  /** Passes some bytes and answers where they begin. */
  skip(bytes: number): number {
    const from = this.#at
    if (bytes > this.#bytes.length - from) return this.#break()
    this.#at = from + bytes
    return from
  }

  /** An int or long, zigzag; one past 2^53 may be inexact, which its user has to refuse. */
  integer(): number {
    let value = 0
    let weight = 1
    while (!this.#isBroken) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined || weight > WEIGHT_MAX) return this.#break()
      this.#at++
      value += (byte & 127) * weight
      if (byte < 128) break
      weight *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** The length of a string. */
  length(): number {
    const bytes = this.integer()
    return bytes < 0 ? this.#break() : bytes
  }

  /** Items in the next block of an array; 0 ends it. A negative count is followed by the block's size in bytes. */
  blockCount(): number {
    const count = this.integer()
    if (count >= 0) return count
    this.integer()
    return -count
  }

  #break(): number {
    this.#isBroken = true
    return 0
  }
}

/** Of the tenth byte, the last that a long has. */
const WEIGHT_MAX = 128 ** 9
