/** Past this a wide scan's memory is not kept for the next one. */
const KEPT_BYTES_MAX = 1024 * 1024
const INITIAL_BYTES = 64 * 1024

/**
 * Memory for the copies that one scan or one answer needs, used again by the next. A buffer of its own for each would be external memory to
 * V8, and enough of that begins a collection of the whole heap (ADR 19).
 */
export class Arena {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #end = 0

  /** Gives up all copies made so far. */
  reset(): void {
    this.#end = 0
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  }

  /** A copy that holds until `reset`. @param shared a buffer that lmdb overwrites with the next read */
  copy = (shared: Buffer): Buffer => {
    const { length } = shared
    // Copies made before keep the memory they are in.
    if (this.#end + length > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, length))
      this.#end = 0
    }
    const start = this.#end
    shared.copy(this.#bytes, start, 0, length)
    this.#end = start + length
    return this.#bytes.subarray(start, this.#end)
  }
}

/** A copy in memory of its own. */
export function ownCopy(shared: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(shared.length)
  shared.copy(copy, 0, 0, shared.length)
  return copy
}

/** How a reader keeps what lmdb hands out until the next read. */
export type Keep = (shared: Buffer) => Buffer
