import {
  CHUNK_ENTRIES_MAX,
  type Chunk,
  type ChunkRun,
  chunkKeysAt,
  HEAD_ENTRIES_KEPT,
  headEntriesAt,
  isInHead,
  type PostingTable,
  positionKey,
  positionOfKey,
  readCopy,
  startOf,
  writeHead,
} from './chunks.ts'
import { type ListedChanges, PostingChanges } from './posting-changes.ts'
import {
  comparePositions,
  countOf,
  createdAtOf,
  type Edits,
  ENTRY_BYTES,
  type IdOf,
  mergeEntries,
  type Posting,
  sequenceOf,
  withAdded,
  withoutSequences,
} from './postings.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * Collects the postings of many events and writes each chunk once. Everything happens inside the caller's transaction;
 * nothing of it can be read from the lists before `flush`.
 */
export class PostingWriter {
  readonly #table: PostingTable
  readonly #idOf: IdOf
  readonly #changes = new PostingChanges()

  constructor(table: PostingTable, idOf: IdOf) {
    this.#table = table
    this.#idOf = idOf
  }

  /** Puts an event into its lists; answers how many they are. */
  add(event: StoredEvent, posting: Posting): number {
    return this.#changes.add(event, posting, false)
  }

  /** Takes an event out of its lists; answers how many they are. */
  remove(event: StoredEvent, posting: Posting): number {
    return this.#changes.add(event, posting, true)
  }

  /** As `remove`, for a posting that was given to `add` since the last flush. */
  withdraw(posting: Posting): number {
    return this.#changes.withdraw(posting)
  }

  /**
   * Many lists go in child transactions of neighbours: LMDB keeps the pages that a transaction has changed sorted by insertion, which
   * costs the square of their number.
   */
  flush(): void {
    const changes = this.#changes.byList()
    const writer = new ListWriter(this.#table, this.#idOf, changes)
    const order = changes.inKeyOrder()
    if (order.length <= CHILD_LISTS_MAX) writer.writeAll(order)
    else
      for (let from = 0; from < order.length; from += CHILD_LISTS_MAX) {
        const neighbours = order.subarray(from, from + CHILD_LISTS_MAX)
        this.#table.transactionSync(() => writer.writeAll(neighbours))
      }
  }
}

/** Writes the changes of one transaction, one list after the other. */
class ListWriter {
  readonly #table: PostingTable
  readonly #idOf: IdOf
  readonly #changes: ListedChanges
  /** Of the list or chunk that is being written. */
  readonly #edits = { added: [] as number[], removed: [] as number[] }

  constructor(table: PostingTable, idOf: IdOf, changes: ListedChanges) {
    this.#table = table
    this.#idOf = idOf
    this.#changes = changes
  }

  writeAll(lists: Uint32Array): void {
    for (const list of lists) {
      const ranks = this.#changes.of(list)
      // Only changes that were withdrawn.
      if (ranks.length > 0) this.#write(this.#changes.keys[list] as Buffer, ranks)
    }
  }

  /** The head first, from lmdb's own buffer, which the next read overwrites; so all that is asked of it is asked here. */
  #write(list: Buffer, ranks: Uint32Array): void {
    const head = this.#table.getBinaryFast(list) ?? EMPTY_HEAD
    let inHead = ranks.length
    while (inHead > 0 && !isInHead(head, this.#postingAt(ranks, inHead - 1))) inHead--
    this.#changeHead(list, head, ranks, inHead)
    if (inHead < ranks.length) this.#changeChunks(list, ranks, inHead)
  }

  #postingAt(ranks: Uint32Array, index: number): Posting {
    return this.#changes.postings[ranks[index] as number] as Posting
  }

  /** Divides some changes; overwritten by the next call. */
  #editsOf(ranks: Uint32Array, from: number, to: number): Edits {
    const { added, removed } = this.#edits
    added.length = 0
    removed.length = 0
    for (let index = from; index < to; index++) {
      const rank = ranks[index] as number
      if (this.#changes.isRemoval(rank)) removed.push(rank)
      else added.push(rank)
    }
    return this.#edits
  }

  #changeHead(list: Buffer, head: Buffer, ranks: Uint32Array, count: number): void {
    if (count === 0) return
    const edits = this.#editsOf(ranks, 0, count)
    const entriesAt = headEntriesAt(head)
    const scratch = scratchFor(head.length + count * ENTRY_BYTES)
    for (let index = 0; index < entriesAt; index++) scratch[index] = head[index] as number
    const end = mergeEntries(head, entriesAt, head.length, this.#changes, edits, scratch, entriesAt)
    if (end !== null && end <= entriesAt + CHUNK_ENTRIES_MAX * ENTRY_BYTES) {
      if (end === EMPTY_HEAD.length) this.#table.removeSync(list)
      else this.#table.putSync(list, scratch.subarray(0, end))
      return
    }
    const bound = entriesAt === EMPTY_HEAD.length ? null : Buffer.from(scratch.subarray(1, entriesAt))
    if (end !== null) this.#writeHead(list, scratch.subarray(entriesAt, end), bound)
    else {
      // Where ids tell the order, reading them would overwrite the head.
      const entries = Buffer.from(head.subarray(entriesAt, head.length))
      this.#writeHead(list, this.#applied(entries, edits), bound)
    }
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

  /** Chunks are found by runs of neighbours: in a transaction that writes, LMDB makes a cursor for every search. */
  #changeChunks(list: Buffer, ranks: Uint32Array, start: number): void {
    let from = start
    while (from < ranks.length) {
      const others = ranks.length - from - 1
      const keysMax = Math.min(KEYS_PER_CHANGE * others, KEYS_MAX)
      const first = positionKey(this.#postingAt(ranks, from))
      const run = chunkKeysAt(this.#table, list, first, keysMax)
      from = this.#changeRun(list, run, ranks, from)
    }
  }

  /** Changes the chunks of a run; answers the index of the first change behind them. */
  #changeRun(list: Buffer, { keys, isLast }: ChunkRun, ranks: Uint32Array, start: number): number {
    let from = start
    for (let index = 0; index < keys.length && from < ranks.length; index++) {
      const next = keys[index + 1]
      if (next === undefined && !isLast) break
      const to = next === undefined ? ranks.length : this.#endBefore(startOf(next, list), ranks, from)
      if (to === from) continue
      const key = keys[index] as Buffer
      const entries = readCopy(this.#table, key) ?? NO_ENTRIES
      this.#changeChunk(list, { key, entries }, this.#editsOf(ranks, from, to))
      from = to
    }
    return from
  }

  /** The index of the first change that is not before a position. */
  #endBefore(position: Buffer, ranks: Uint32Array, from: number): number {
    const end = positionOfKey(position)
    let to = from
    while (to < ranks.length && comparePositions(this.#postingAt(ranks, to), end) < 0) to++
    return to
  }

  #changeChunk(list: Buffer, { key, entries }: Chunk, edits: Edits): void {
    const scratch = scratchFor(entries.length + edits.added.length * ENTRY_BYTES)
    const end = mergeEntries(entries, 0, entries.length, this.#changes, edits, scratch, 0)
    const changed = end === null ? this.#applied(entries, edits) : scratch.subarray(0, end)
    if (changed.length === 0) this.#table.removeSync(key)
    else this.#writeChunks(list, startOf(key, list), changed)
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

  #applied(entries: Buffer, edits: Edits): Buffer {
    const postingOf = (rank: number): Posting => this.#changes.postings[rank] as Posting
    const added = edits.added.map(postingOf)
    const removed = new Set(edits.removed.map((rank) => postingOf(rank).sequence))
    const kept = removed.size === 0 ? entries : withoutSequences(entries, removed)
    return added.length === 0 ? kept : withAdded(kept, added, this.#idOf)
  }
}

/** Lists that one child transaction writes. */
const CHILD_LISTS_MAX = 1_000
/** Keys of chunks that are read at once for each change: with fewer the next change is searched for sooner. */
const KEYS_PER_CHANGE = 2
const KEYS_MAX = 512

const NO_ENTRIES = Buffer.alloc(0)
/** Says that there are no other chunks. */
const EMPTY_HEAD = Buffer.from([0])

/** Where entries are put together; one for all, because writing some is a single step. */
let scratchBuffer = Buffer.allocUnsafeSlow(64 * 1024)

function scratchFor(bytes: number): Buffer {
  if (bytes > scratchBuffer.length) scratchBuffer = Buffer.allocUnsafeSlow(2 * bytes)
  return scratchBuffer
}
