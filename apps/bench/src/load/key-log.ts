const FIRST_CAPACITY = 65_536

/** A growing list of numbers without a heap object each. */
export class KeyLog {
  #keys = new Float64Array(FIRST_CAPACITY)
  #count = 0

  get count(): number {
    return this.#count
  }

  push(key: number): void {
    if (this.#count === this.#keys.length) {
      const larger = new Float64Array(this.#keys.length * 2)
      larger.set(this.#keys)
      this.#keys = larger
    }
    this.#keys[this.#count++] = key
  }

  slice(from: number, to: number): Float64Array {
    return this.#keys.subarray(from, to)
  }
}
