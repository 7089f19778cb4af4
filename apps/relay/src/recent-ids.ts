import { randomFillSync } from 'node:crypto'

const ID_WORDS = 8

/**
 * The last so many event ids, exactly: about 44 bytes each outside the heap, and nothing that a collection has to walk over. The
 * oldest makes room for the newest.
 */
export class RecentIds {
  readonly #idsMax: number
  /** Ids by slot, in the order in which they came. */
  readonly #words: Uint32Array
  /** First slot of each bucket and the next one after each slot, both plus one; 0: none. */
  readonly #heads: Uint32Array
  readonly #nexts: Uint32Array
  /** So that nobody can choose ids that fall into one bucket. */
  readonly #seed = randomFillSync(new Uint32Array(2))
  readonly #asked = new Uint32Array(ID_WORDS)
  readonly #askedBytes = Buffer.from(this.#asked.buffer)
  #size = 0
  #newest = 0

  constructor(idsMax: number) {
    this.#idsMax = idsMax
    this.#words = new Uint32Array(idsMax * ID_WORDS)
    this.#heads = new Uint32Array(2 ** Math.ceil(Math.log2(idsMax + 1)))
    this.#nexts = new Uint32Array(idsMax)
  }

  get size(): number {
    return this.#size
  }

  /** @param id 64 lowercase hex characters */
  has(id: string): boolean {
    this.#askedBytes.write(id, 'hex')
    return this.#find(this.#bucketOf(this.#asked, 0))
  }

  /** Adds an id that is perhaps there already; then it stays where it is in their order. */
  add(id: string): void {
    this.#askedBytes.write(id, 'hex')
    const bucket = this.#bucketOf(this.#asked, 0)
    if (this.#find(bucket)) return
    const slot = this.#newest
    this.#newest = (slot + 1) % this.#idsMax
    if (this.#size === this.#idsMax) this.#forget(slot)
    else this.#size++
    this.#words.set(this.#asked, slot * ID_WORDS)
    this.#nexts[slot] = this.#heads[bucket] as number
    this.#heads[bucket] = slot + 1
  }

  #find(bucket: number): boolean {
    for (let link = this.#heads[bucket] as number; link !== 0; link = this.#nexts[link - 1] as number)
      if (this.#isAsked(link - 1)) return true
    return false
  }

  #isAsked(slot: number): boolean {
    const at = slot * ID_WORDS
    for (let word = 0; word < ID_WORDS; word++) if (this.#words[at + word] !== this.#asked[word]) return false
    return true
  }

  #forget(slot: number): void {
    const bucket = this.#bucketOf(this.#words, slot * ID_WORDS)
    const after = this.#nexts[slot] as number
    let link = this.#heads[bucket] as number
    if (link === slot + 1) this.#heads[bucket] = after
    else {
      while (this.#nexts[link - 1] !== slot + 1) link = this.#nexts[link - 1] as number
      this.#nexts[link - 1] = after
    }
  }

  #bucketOf(words: Uint32Array, at: number): number {
    const [a, b] = this.#seed as unknown as [number, number]
    const first = Math.imul((words[at] as number) ^ a, 0x9e3779b1)
    const second = Math.imul((words[at + 1] as number) ^ b, 0x85ebca6b)
    const mixed = Math.imul(first ^ (second >>> 15) ^ (second << 17), 0xc2b2ae35)
    return (mixed ^ (mixed >>> 16)) & (this.#heads.length - 1)
  }
}
