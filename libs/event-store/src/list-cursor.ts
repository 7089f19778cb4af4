import { type Keep, ownCopy } from './arena.ts'
import { type Chunk, chunkAfter, chunkAt, type PostingTable, positionKey, readHead } from './chunks.ts'
import {
  countOf,
  createdAtOf,
  type IdOf,
  indexAt,
  kindOf,
  type Position,
  prefixOf,
  sequenceOf,
} from './postings.ts'

/** Walks one list in served order; positioned on an entry unless `isAtEnd`. Reads one chunk at a time, as far as it is walked. */
export class ListCursor {
  readonly #table: PostingTable
  readonly #list: Buffer
  readonly #idOf: IdOf
  readonly #keep: Keep
  #key: Buffer
  #entries: Buffer = NO_ENTRIES
  #hasMore = false
  #index = 0
  #count = 0
  isAtEnd = false
  /** Of the current entry. */
  createdAt = 0
  kind = 0
  prefix = 0
  sequence = 0

  /**
   * @param from the first position wanted; null: the newest
   * @param keep where the chunks it walks are copied to
   */
  constructor(table: PostingTable, list: Buffer, idOf: IdOf, from: Position | null, keep: Keep = ownCopy) {
    this.#table = table
    this.#list = list
    this.#idOf = idOf
    this.#keep = keep
    this.#key = list
    const head = readHead(table, list, keep)
    if (head === undefined) {
      this.isAtEnd = true
      return
    }
    const start = from === null ? null : positionKey(from)
    if (start !== null && head.bound !== null && Buffer.compare(start, head.bound) >= 0)
      this.#take(chunkAt(table, list, start, keep) ?? { key: list, entries: NO_ENTRIES })
    else this.#take({ key: list, entries: head.entries }, head.bound !== null)
    if (from !== null) this.#index = indexAt(this.#entries, from, this.#idOf)
    this.#settle()
  }

  id(): Buffer {
    return this.#idOf(this.sequence)
  }

  next(): void {
    this.#index++
    this.#settle()
  }

  #take({ key, entries }: Chunk, hasMore = true): void {
    this.#key = key
    this.#entries = entries
    this.#count = countOf(entries)
    this.#hasMore = hasMore
    this.#index = 0
  }

  #settle(): void {
    while (this.#index >= this.#count) {
      const next = this.#hasMore ? chunkAfter(this.#table, this.#list, this.#key, this.#keep) : undefined
      if (next === undefined) {
        this.isAtEnd = true
        return
      }
      this.#take(next)
    }
    this.createdAt = createdAtOf(this.#entries, this.#index)
    this.kind = kindOf(this.#entries, this.#index)
    this.prefix = prefixOf(this.#entries, this.#index)
    this.sequence = sequenceOf(this.#entries, this.#index)
  }
}

const NO_ENTRIES = Buffer.alloc(0)
