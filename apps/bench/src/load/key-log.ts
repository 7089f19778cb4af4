const BLOCK_KEYS = 16_384

/** A growing list of numbers without a heap object each, and without moving what is there when it grows. */
export class KeyLog {
  readonly #blocks: Float64Array[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  push(key: number): void {
    const at = this.#count % BLOCK_KEYS
    if (at === 0) this.#blocks.push(new Float64Array(BLOCK_KEYS))
    const block = this.#blocks[this.#blocks.length - 1] as Float64Array
    block[at] = key
    this.#count++
  }

  slice(from: number, to: number): Float64Array {
    return Float64Array.from({ length: to - from }, (_, n) => this.#at(from + n))
  }

  #at(index: number): number {
    return this.#blocks[Math.floor(index / BLOCK_KEYS)]?.[index % BLOCK_KEYS] as number
  }
}
