import {
  CHUNK_ENTRIES_MAX,
  type Chunk,
  chunkAt,
  chunkKeyAfter,
  HEAD_ENTRIES_KEPT,
  type PostingTable,
  positionKey,
  readHead,
  startOf,
  writeHead,
} from './chunks.ts'
import { compareBytes } from './compare-bytes.ts'
import {
  comparePositions,
  countOf,
  createdAtOf,
  ENTRY_BYTES,
  type IdOf,
  type Posting,
  sequenceOf,
  withAdded,
  withoutSequences,
  writeEntry,
} from './postings.ts'

interface ListChange {
  readonly list: Buffer
  readonly added: Map<number, Posting>
  readonly removed: Map<number, Posting>
}

interface Located {
  readonly posting: Posting
  readonly position: Buffer
  readonly isAdded: boolean
}

/**
 * Collects the postings of many events and writes each chunk once. Everything happens inside the caller's transaction;
 * nothing of it can be read from the lists before `flush`.
 */
export class PostingWriter {
  readonly #table: PostingTable
  readonly #idOf: IdOf
  readonly #changes = new Map<string, ListChange>()

  constructor(table: PostingTable, idOf: IdOf) {
    this.#table = table
    this.#idOf = idOf
  }

  add(list: Buffer, posting: Posting): void {
    this.#changeOf(list).added.set(posting.sequence, posting)
  }

  remove(list: Buffer, posting: Posting): void {
    const change = this.#changeOf(list)
    if (!change.added.delete(posting.sequence)) change.removed.set(posting.sequence, posting)
  }

  flush(): void {
    for (const change of this.#changes.values()) this.#write(change)
    this.#changes.clear()
  }

  #changeOf(list: Buffer): ListChange {
    const name = list.toString('latin1')
    let change = this.#changes.get(name)
    if (change === undefined) {
      change = { list, added: new Map(), removed: new Map() }
      this.#changes.set(name, change)
    }
    return change
  }

  #write(change: ListChange): void {
    const { list, added, removed } = change
    if (added.size === 1 && removed.size === 0 && this.#wroteOne(change)) return
    const head = readHead(this.#table, list) ?? { entries: Buffer.alloc(0), bound: null }
    const forHead: Located[] = []
    const forOthers: Located[] = []
    const sort = (posting: Posting, isAdded: boolean): void => {
      const located = { posting, position: head.bound === null ? NOWHERE : positionKey(posting), isAdded }
      const isOlder = head.bound !== null && compareBytes(located.position, head.bound) >= 0
      if (isOlder) forOthers.push(located)
      else forHead.push(located)
    }
    for (const posting of added.values()) sort(posting, true)
    for (const posting of removed.values()) sort(posting, false)
    if (forOthers.length > 0) this.#writeOthers(list, forOthers)
    if (forHead.length > 0) this.#writeHead(list, this.#applied(head.entries, forHead), head.bound)
  }

  /**
   * One entry more in a head that has room: nearly all that is written, so it is done without taking the head apart. False
   * where it is not so simple, and nothing has happened.
   */
  #wroteOne({ list, added }: ListChange): boolean {
    const [posting] = added.values()
    if (posting === undefined) return false
    const shared = this.#table.getBinaryFast(list)
    const bytes = shared?.length ?? 1
    if (shared !== undefined && (shared[0] !== 0 || bytes > CHUNK_ENTRIES_MAX * ENTRY_BYTES)) return false
    let at = 1
    // In most lists the new entry is among the first. The same second needs ids, and with them the shared buffer.
    for (; shared !== undefined && at < bytes; at += ENTRY_BYTES) {
      const createdAt = shared.readDoubleBE(at)
      if (createdAt === posting.createdAt) return false
      if (createdAt < posting.createdAt) break
    }
    const value = Buffer.allocUnsafe(bytes + ENTRY_BYTES)
    value[0] = 0
    shared?.copy(value, 1, 1, at)
    writeEntry(value, at, posting)
    shared?.copy(value, at + ENTRY_BYTES, at, bytes)
    this.#table.putSync(list, value)
    return true
  }

  #writeHead(list: Buffer, entries: Buffer, bound: Buffer | null): void {
    if (countOf(entries) <= CHUNK_ENTRIES_MAX) {
      writeHead(this.#table, list, { entries, bound })
      return
    }
    const kept = HEAD_ENTRIES_KEPT * ENTRY_BYTES
    const given = entries.subarray(kept)
    const first = this.#startOf(given)
    this.#writeChunks(list, first, given)
    writeHead(this.#table, list, { entries: entries.subarray(0, kept), bound: first })
  }

  #writeOthers(list: Buffer, changes: Located[]): void {
    changes.sort((a, b) => compareBytes(a.position, b.position))
    let from = 0
    while (from < changes.length) {
      const first = (changes[from] as Located).position
      const chunk: Chunk = chunkAt(this.#table, list, first) ?? {
        key: Buffer.concat([list, first]),
        entries: Buffer.alloc(0),
      }
      const next = chunkKeyAfter(this.#table, list, chunk.key)
      let to = from + 1
      if (next === undefined) to = changes.length
      else {
        const end = startOf(next, list)
        while (to < changes.length && compareBytes((changes[to] as Located).position, end) < 0) to++
      }
      const entries = this.#applied(chunk.entries, changes.slice(from, to))
      if (entries.length === 0) this.#table.removeSync(chunk.key)
      else this.#writeChunks(list, startOf(chunk.key, list), entries)
      from = to
    }
  }

  /** Writes entries as one chunk, or as several where they are too many. */
  #writeChunks(list: Buffer, start: Buffer, entries: Buffer): void {
    const pieces = Math.ceil(countOf(entries) / CHUNK_ENTRIES_MAX)
    const pieceBytes = Math.ceil(countOf(entries) / pieces) * ENTRY_BYTES
    for (let from = 0; from < entries.length; from += pieceBytes) {
      const piece = entries.subarray(from, from + pieceBytes)
      this.#table.putSync(Buffer.concat([list, from === 0 ? start : this.#startOf(piece)]), piece)
    }
  }

  #startOf(entries: Buffer): Buffer {
    return positionKey({ createdAt: createdAtOf(entries, 0), id: this.#idOf(sequenceOf(entries, 0)) })
  }

  #applied(entries: Buffer, changes: readonly Located[]): Buffer {
    const removed = new Set(changes.filter(({ isAdded }) => !isAdded).map(({ posting }) => posting.sequence))
    const added = changes.filter(({ isAdded }) => isAdded).map(({ posting }) => posting)
    const kept = removed.size === 0 ? entries : withoutSequences(entries, removed)
    return added.length === 0 ? kept : withAdded(kept, added.sort(comparePositions), this.#idOf)
  }
}

const NOWHERE = Buffer.alloc(0)
