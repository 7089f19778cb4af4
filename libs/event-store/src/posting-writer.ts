import type { NostrEvent } from '@millrace/nostr'
import {
  CHUNK_ENTRIES_MAX,
  type Chunk,
  chunkAt,
  chunkKeyAfter,
  HEAD_ENTRIES_KEPT,
  headEntriesAt,
  isInHead,
  type PostingTable,
  positionKey,
  positionOfKey,
  startOf,
  writeHead,
} from './chunks.ts'
import { type ListChange, ListChanges } from './list-changes.ts'
import {
  comparePositions,
  countOf,
  createdAtOf,
  ENTRY_BYTES,
  type IdOf,
  mergeEntries,
  type Posting,
  sequenceOf,
  withAdded,
  withoutSequences,
} from './postings.ts'

/**
 * Collects the postings of many events and writes each chunk once. Everything happens inside the caller's transaction;
 * nothing of it can be read from the lists before `flush`.
 */
export class PostingWriter {
  readonly #table: PostingTable
  readonly #idOf: IdOf
  readonly #changes = new ListChanges()

  constructor(table: PostingTable, idOf: IdOf) {
    this.#table = table
    this.#idOf = idOf
  }

  /** Puts an event into its lists; answers how many they are. */
  add(event: NostrEvent, posting: Posting): number {
    const changes = this.#changes.of(event)
    for (const { added } of changes) added.push(posting)
    return changes.length
  }

  /** Takes an event out of its lists; answers how many they are. */
  remove(event: NostrEvent, posting: Posting): number {
    const changes = this.#changes.of(event)
    for (const { removed } of changes) removed.push(posting)
    return changes.length
  }

  /** As `remove`, for a posting that was given to `add` since the last flush. */
  withdraw(event: NostrEvent, posting: Posting): number {
    const changes = this.#changes.of(event)
    for (const { added } of changes) added.splice(added.lastIndexOf(posting), 1)
    return changes.length
  }

  /**
   * Many lists go in child transactions of neighbours: LMDB keeps the pages that a transaction has changed sorted by insertion, which
   * costs the square of their number.
   */
  flush(): void {
    const changes = this.#changes.all
    if (changes.length <= CHILD_LISTS_MAX) this.#writeAll(changes)
    else {
      const sorted = changes.toSorted((a, b) => Buffer.compare(a.list, b.list))
      for (let from = 0; from < sorted.length; from += CHILD_LISTS_MAX) {
        const neighbours = sorted.slice(from, from + CHILD_LISTS_MAX)
        this.#table.transactionSync(() => this.#writeAll(neighbours))
      }
    }
  }

  #writeAll(changes: readonly ListChange[]): void {
    for (const change of changes) this.#write(change)
  }

  /** The head first, from lmdb's own buffer, which the next read overwrites; so all that is asked of it is asked here. */
  #write({ list, added, removed }: ListChange): void {
    if (added.length > 1) added.sort(comparePositions)
    const head = this.#table.getBinaryFast(list)
    if (head === undefined) {
      this.#changeHead(list, EMPTY_HEAD, added, removed)
      return
    }
    const isNew = (posting: Posting): boolean => isInHead(head, posting)
    const isOld = (posting: Posting): boolean => !isInHead(head, posting)
    const older = added.filter(isOld)
    const olderRemoved = removed.filter(isOld)
    const isAllNew = older.length === 0 && olderRemoved.length === 0
    if (isAllNew) this.#changeHead(list, head, added, removed)
    else {
      this.#changeHead(list, head, added.filter(isNew), removed.filter(isNew))
      this.#changeChunks(list, older, olderRemoved)
    }
  }

  #changeHead(list: Buffer, head: Buffer, added: readonly Posting[], removed: readonly Posting[]): void {
    if (added.length === 0 && removed.length === 0) return
    const entriesAt = headEntriesAt(head)
    const bytesMax = head.length + added.length * ENTRY_BYTES
    if (bytesMax > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * bytesMax)
    head.copy(scratch, 0, 0, entriesAt)
    const end = mergeEntries(head, entriesAt, head.length, added, removed, scratch)
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
      this.#writeHead(list, this.#applied(entries, added, removed), bound)
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

  #changeChunks(list: Buffer, added: readonly Posting[], removed: readonly Posting[]): void {
    const gone = new Set(removed)
    const changes = [...added, ...removed].sort(comparePositions)
    let from = 0
    while (from < changes.length) {
      const first = positionKey(changes[from] as Posting)
      const chunk: Chunk = chunkAt(this.#table, list, first) ?? {
        key: Buffer.concat([list, first]),
        entries: NO_ENTRIES,
      }
      const to = this.#endOf(list, chunk, changes, from)
      const inChunk = changes.slice(from, to)
      const entries = this.#applied(
        chunk.entries,
        inChunk.filter((posting) => !gone.has(posting)),
        inChunk.filter((posting) => gone.has(posting)),
      )
      if (entries.length === 0) this.#table.removeSync(chunk.key)
      else this.#writeChunks(list, startOf(chunk.key, list), entries)
      from = to
    }
  }

  /** The index of the first change that lies behind the chunk. */
  #endOf(list: Buffer, chunk: Chunk, changes: readonly Posting[], from: number): number {
    if (from + 1 === changes.length) return changes.length
    const next = chunkKeyAfter(this.#table, list, chunk.key)
    if (next === undefined) return changes.length
    const end = positionOfKey(startOf(next, list))
    let to = from + 1
    while (to < changes.length && comparePositions(changes[to] as Posting, end) < 0) to++
    return to
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

  #applied(entries: Buffer, added: readonly Posting[], removed: readonly Posting[]): Buffer {
    const kept =
      removed.length === 0
        ? entries
        : withoutSequences(entries, new Set(removed.map(({ sequence }) => sequence)))
    return added.length === 0 ? kept : withAdded(kept, added, this.#idOf)
  }
}

/** Lists that one child transaction writes. */
const CHILD_LISTS_MAX = 1_000

const NO_ENTRIES = Buffer.alloc(0)
/** Says that there are no other chunks. */
const EMPTY_HEAD = Buffer.from([0])

/** Where heads are put together; one for all, because writing one is a single step. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024)
