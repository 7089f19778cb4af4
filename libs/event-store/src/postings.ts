import { readF64 } from './numbers.ts'

/**
 * Postings: who is in a list, in served order (created_at descending, id ascending; NIP-01). An entry has 16 bytes:
 * created_at (f64), kind (u16), the first two bytes of the id (u16), the event's sequence number in the view (u32).
 */
export const ENTRY_BYTES = 16
const KIND_AT = 8
const PREFIX_AT = 10
const SEQUENCE_AT = 12

/** Where an event stands in served order. */
export interface Position {
  readonly createdAt: number
  /** 32 bytes. */
  readonly id: Buffer
}

export interface Posting extends Position {
  readonly kind: number
  readonly sequence: number
}

/** Finds the id of an event by its sequence number; asked only where two entries agree in all else. */
export type IdOf = (sequence: number) => Buffer

export const createdAtOf = (entries: Buffer, index: number): number => readF64(entries, index * ENTRY_BYTES)
export const kindOf = (entries: Buffer, index: number): number =>
  entries.readUInt16BE(index * ENTRY_BYTES + KIND_AT)
export const prefixOf = (entries: Buffer, index: number): number =>
  entries.readUInt16BE(index * ENTRY_BYTES + PREFIX_AT)
export const sequenceOf = (entries: Buffer, index: number): number =>
  entries.readUInt32BE(index * ENTRY_BYTES + SEQUENCE_AT)
export const countOf = (entries: Buffer): number => entries.length / ENTRY_BYTES

export const comparePositions = (a: Position, b: Position): number =>
  b.createdAt - a.createdAt || a.id.compare(b.id)

/** The last position that is served before the given one. */
export function positionBefore({ createdAt, id }: Position): Position {
  const before = Buffer.from(id)
  for (let at = before.length - 1; at >= 0; at--) {
    const byte = before[at] ?? 0
    before[at] = (byte + 255) % 256
    if (byte !== 0) return { createdAt, id: before }
  }
  return { createdAt: createdAt + 1, id: before }
}

/** Negative when the entry comes before the position in served order. */
function compareEntry(entries: Buffer, index: number, position: Position, idOf: IdOf): number {
  const later = position.createdAt - createdAtOf(entries, index)
  if (later !== 0) return later
  const prefix = prefixOf(entries, index) - position.id.readUInt16BE(0)
  return prefix !== 0 ? prefix : idOf(sequenceOf(entries, index)).compare(position.id)
}

/** The index of the first entry that is not before the position. */
export function indexAt(entries: Buffer, position: Position, idOf: IdOf): number {
  let low = 0
  let high = countOf(entries)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareEntry(entries, middle, position, idOf) < 0) low = middle + 1
    else high = middle
  }
  return low
}

export function writeEntry(into: Buffer, at: number, { createdAt, kind, id, sequence }: Posting): void {
  into.writeDoubleBE(createdAt, at)
  into.writeUInt16BE(kind, at + KIND_AT)
  into.writeUInt16BE(id.readUInt16BE(0), at + PREFIX_AT)
  into.writeUInt32BE(sequence, at + SEQUENCE_AT)
}

/** Postings in served order, and as entries one after the other; named by their index, the rank. */
export interface SortedPostings {
  readonly postings: readonly Posting[]
  readonly entries: Buffer
}

/** What is to be put into some entries and what is to be taken out, as ranks in ascending order. */
export interface Edits {
  readonly added: readonly number[]
  readonly removed: readonly number[]
}

/**
 * Writes entries to the start of another buffer, without some and with others.
 *
 * @param into not the buffer of the entries
 * @returns where they end; null where an id would have to tell an order, or one to be removed is not there
 */
export function mergeEntries(
  entries: Buffer,
  start: number,
  end: number,
  sorted: SortedPostings,
  { added, removed }: Edits,
  into: Buffer,
  intoStart: number,
): number | null {
  let from = start
  let to = intoStart
  let missing = removed.length
  let next = 0
  for (let at = start; next < added.length || missing > 0; at += ENTRY_BYTES) {
    for (; next < added.length; next++) {
      const rank = added[next] as number
      if (at < end) {
        const { createdAt, id } = sorted.postings[rank] as Posting
        const order =
          createdAt - readF64(entries, at) || entries.readUInt16BE(at + PREFIX_AT) - id.readUInt16BE(0)
        if (order < 0) break
        if (order === 0) return null
      }
      if (at > from) to += copyBytes(entries, from, at, into, to)
      from = at
      to += copyBytes(sorted.entries, rank * ENTRY_BYTES, (rank + 1) * ENTRY_BYTES, into, to)
    }
    if (at >= end) break
    if (missing > 0 && isRemoved(entries.readUInt32BE(at + SEQUENCE_AT), sorted, removed)) {
      missing--
      if (at > from) to += copyBytes(entries, from, at, into, to)
      from = at + ENTRY_BYTES
    }
  }
  if (missing > 0) return null
  return to + (from < end ? copyBytes(entries, from, end, into, to) : 0)
}

/** A call of `copy` costs more than a loop over an entry or two. */
const LOOPED_BYTES_MAX = 48

function copyBytes(source: Buffer, from: number, end: number, into: Buffer, to: number): number {
  const bytes = end - from
  if (bytes > LOOPED_BYTES_MAX) return source.copy(into, to, from, end)
  for (let index = 0; index < bytes; index++) into[to + index] = source[from + index] as number
  return bytes
}

function isRemoved(sequence: number, { postings }: SortedPostings, removed: readonly number[]): boolean {
  for (const rank of removed) if ((postings[rank] as Posting).sequence === sequence) return true
  return false
}

/** The entries with others put in their places. @param added in served order, none of them there yet */
export function withAdded(entries: Buffer, added: readonly Posting[], idOf: IdOf): Buffer {
  const merged = Buffer.allocUnsafe(entries.length + added.length * ENTRY_BYTES)
  let from = 0
  let to = 0
  for (const posting of added) {
    const before = from + indexAt(entries.subarray(from), posting, idOf) * ENTRY_BYTES
    to += entries.copy(merged, to, from, before)
    from = before
    writeEntry(merged, to, posting)
    to += ENTRY_BYTES
  }
  entries.copy(merged, to, from)
  return merged
}

/** The entries without some. */
export function withoutSequences(entries: Buffer, removed: ReadonlySet<number>): Buffer {
  const kept = Buffer.allocUnsafe(entries.length)
  let from = 0
  let to = 0
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    if (!removed.has(entries.readUInt32BE(at + SEQUENCE_AT))) continue
    if (at > from) to += entries.copy(kept, to, from, at)
    from = at + ENTRY_BYTES
  }
  if (from < entries.length) to += entries.copy(kept, to, from)
  return kept.subarray(0, to)
}
