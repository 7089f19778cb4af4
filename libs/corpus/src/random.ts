import { hash } from 'node:crypto'

/**
 * Seeded random numbers (sfc32, period about 2^128): the same seed gives the same sequence on every machine, which is
 * why nothing here rests on Math.random or on the precision of transcendental functions.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    const digest = hash('sha256', seed, 'buffer')
    this.#a = digest.readUInt32LE(0)
    this.#b = digest.readUInt32LE(4)
    this.#c = digest.readUInt32LE(8)
    for (let round = 0; round < 12; round++) this.word()
  }

  /** 32 random bits, unsigned. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  /** In [0, 1). */
  unit(): number {
    return this.word() / 0x1_0000_0000
  }

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.unit() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T
  }

  /** Up to `count` different ones of a list, in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const wanted = Math.min(count, list.length)
    const chosen = new Set<number>()
    while (chosen.size < wanted) chosen.add(this.int(0, list.length - 1))
    return [...chosen].map((at) => list[at] as T)
  }

  /**
   * An index from 0 to `length` − 1 where low ones come far more often: half of all draws fall on the first eighth. Close
   * enough to how attention is shared out, and made of multiplications only.
   */
  skewedIndex(length: number): number {
    const unit = this.unit()
    return Math.floor(unit * unit * unit * length)
  }

  bytes(count: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.ceil(count / 4) * 4)
    for (let at = 0; at < buffer.length; at += 4) buffer.writeUInt32LE(this.word(), at)
    return buffer.subarray(0, count)
  }

  hex(byteCount: number): string {
    return this.bytes(byteCount).toString('hex')
  }
}
