/** At 16 bits and 8 probes per key about 6 in 10,000 unknown keys are taken for known. */
const BITS_PER_KEY = 16
const PROBES = 8
const WORD_BITS = 32

/** Two independent 48-bit numbers that stand for a key. */
export interface KeyHash {
  readonly a: number
  readonly b: number
}

/** Event ids are SHA-256 already: their first 24 hex characters are as good as any hash of them. */
export const hashOfHex = (hex: string): KeyHash => ({
  a: Number.parseInt(hex.slice(0, 12), 16),
  b: Number.parseInt(hex.slice(12, 24), 16),
})

/** A Bloom filter of fixed capacity with double hashing (Kirsch and Mitzenmacher, 2006). */
export class BloomFilter {
  readonly capacity: number
  readonly #words: Uint32Array
  readonly #bits: number
  #count = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.#words = new Uint32Array(Math.ceil((capacity * BITS_PER_KEY) / WORD_BITS))
    this.#bits = this.#words.length * WORD_BITS
  }

  /** Keys added that were not taken for known before. */
  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  add({ a, b }: KeyHash): void {
    let isNew = false
    for (let i = 0; i < PROBES; i++) {
      const bit = (a + i * b) % this.#bits
      const word = Math.floor(bit / WORD_BITS)
      const before = this.#words[word] ?? 0
      const after = (before | (1 << (bit % WORD_BITS))) >>> 0
      if (after !== before) {
        this.#words[word] = after
        isNew = true
      }
    }
    if (isNew) this.#count++
  }

  mayHave({ a, b }: KeyHash): boolean {
    for (let i = 0; i < PROBES; i++) {
      const bit = (a + i * b) % this.#bits
      const word = this.#words[Math.floor(bit / WORD_BITS)] ?? 0
      if ((word & (1 << (bit % WORD_BITS))) === 0) return false
    }
    return true
  }
}
