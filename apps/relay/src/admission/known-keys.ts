import { hash } from 'node:crypto'
import { BloomFilter, hashOfHex, type KeyHash } from './bloom-filter.ts'

/**
 * A set that may say "perhaps" but never wrongly "no": keys proven new need no lookup. Until `complete` is set it answers
 * "perhaps" to everything, since the keys of the store are still being read. Grows by chaining filters of double size.
 */
class KnownKeys {
  readonly #filters: BloomFilter[]
  readonly #hashOf: (key: string) => KeyHash
  complete = false

  constructor(expected: number, hashOf: (key: string) => KeyHash) {
    this.#filters = [new BloomFilter(expected)]
    this.#hashOf = hashOf
  }

  /** About how many keys were added. */
  get size(): number {
    return this.#filters.reduce((sum, filter) => sum + filter.count, 0)
  }

  get bytes(): number {
    return this.#filters.reduce((sum, filter) => sum + filter.bytes, 0)
  }

  add(key: string): void {
    const hashed = this.#hashOf(key)
    if (this.#filters.some((filter) => filter.mayHave(hashed))) return
    let newest = this.#filters.at(-1)
    if (newest === undefined || newest.count >= newest.capacity) {
      newest = new BloomFilter((newest?.capacity ?? 0) * 2)
      this.#filters.push(newest)
    }
    newest.add(hashed)
  }

  mayHave(key: string): boolean {
    if (!this.complete) return true
    const hashed = this.#hashOf(key)
    return this.#filters.some((filter) => filter.mayHave(hashed))
  }
}

/** What the log may hold already: every event id, and every address of a replaceable or addressable event. */
export class KnownLog {
  readonly #ids: KnownKeys
  readonly #addresses: KnownKeys

  constructor(expected: number) {
    this.#ids = new KnownKeys(expected, hashOfHex)
    this.#addresses = new KnownKeys(Math.ceil(expected / 4), (address) =>
      hashOfHex(hash('sha256', address, 'hex')),
    )
  }

  get ids(): number {
    return this.#ids.size
  }

  get bytes(): number {
    return this.#ids.bytes + this.#addresses.bytes
  }

  addId(id: string): void {
    this.#ids.add(id)
  }

  addAddress(address: string): void {
    this.#addresses.add(address)
  }

  /** Everything stored has been added: from now on an unknown key is proven new. */
  markComplete(): void {
    this.#ids.complete = true
    this.#addresses.complete = true
  }

  /** Whether a "perhaps" comes from the filter, and not from not knowing all yet. */
  get isComplete(): boolean {
    return this.#ids.complete
  }

  mayHaveId(id: string): boolean {
    return this.#ids.mayHave(id)
  }

  mayHaveAddress(address: string): boolean {
    return this.#addresses.mayHave(address)
  }
}
