import type { Database } from 'lmdb'
import { type Keep, ownCopy } from './arena.ts'
import { ENTRY_BYTES, type Position } from './postings.ts'

/**
 * A list in pieces that fit a page. The head, under the list's own key, holds the newest entries, and once there are too
 * many also the position from which on the other chunks go on; each of those lies under the list's key followed by the
 * position it starts at, and goes to where the next one starts.
 */
export interface Chunk {
  readonly key: Buffer
  readonly entries: Buffer
}

export interface Head {
  readonly entries: Buffer
  /** Where the other chunks begin; null: there are none. */
  readonly bound: Buffer | null
}

export type PostingTable = Database<Buffer, Buffer>

/** Entries in one chunk: several fit a page, and a head is rewritten for every entry that comes to it. */
export const CHUNK_ENTRIES_MAX = 96
/** Entries left in a head that has just given off the others. */
export const HEAD_ENTRIES_KEPT = 32

const POSITION_BYTES = 39
const CREATED_AT_MAX = Number.MAX_SAFE_INTEGER
const TWO_TO_32 = 0x1_0000_0000
const AFTER_ALL_POSITIONS = Buffer.from([0xff])
const NO_ENTRIES = Buffer.alloc(0)

/** Bytes that sort as positions are served. The first is at most 0x1f. */
export function positionKey({ createdAt, id }: Position): Buffer {
  const key = Buffer.allocUnsafe(POSITION_BYTES)
  const inverted = CREATED_AT_MAX - createdAt
  key.writeUIntBE(Math.floor(inverted / TWO_TO_32), 0, 3)
  key.writeUInt32BE(inverted % TWO_TO_32, 3)
  id.copy(key, 7)
  return key
}

export function positionOfKey(key: Buffer): Position {
  const inverted = key.readUIntBE(0, 3) * TWO_TO_32 + key.readUInt32BE(3)
  return { createdAt: CREATED_AT_MAX - inverted, id: Buffer.from(key.subarray(7, POSITION_BYTES)) }
}

/** A copy of what is under a key: lmdb hands out a buffer that the next read overwrites. */
export function readCopy(
  table: Database<Buffer, Buffer>,
  key: Buffer,
  keep: Keep = ownCopy,
): Buffer | undefined {
  const shared = table.getBinaryFast(key)
  return shared === undefined ? undefined : keep(shared)
}

export function readHead(table: PostingTable, list: Buffer, keep: Keep = ownCopy): Head | undefined {
  const value = readCopy(table, list, keep)
  if (value === undefined) return undefined
  if (value[0] === 0) return { entries: value.subarray(1), bound: null }
  return { entries: value.subarray(1 + POSITION_BYTES), bound: value.subarray(1, 1 + POSITION_BYTES) }
}

export function writeHead(table: PostingTable, list: Buffer, { entries, bound }: Head): void {
  if (bound === null && entries.length === 0) table.removeSync(list)
  else
    table.putSync(list, Buffer.concat([Buffer.from([bound === null ? 0 : 1]), bound ?? NO_ENTRIES, entries]))
}

/** How many entries a list has that is no longer than its head; null: it is longer. */
export function headEntries(table: PostingTable, list: Buffer): number | null {
  const value = table.getBinaryFast(list)
  if (value === undefined) return 0
  return value[0] === 0 ? (value.length - 1) / ENTRY_BYTES : null
}

/** Where the entries of a head begin in its value. */
export const headEntriesAt = (value: Buffer): number => (value[0] === 0 ? 1 : 1 + POSITION_BYTES)

/** Whether the position is the head's and not another chunk's, by the head's value. */
export function isInHead(value: Buffer, { createdAt, id }: Position): boolean {
  if (value[0] === 0) return true
  const boundS = CREATED_AT_MAX - (value.readUIntBE(1, 3) * TWO_TO_32 + value.readUInt32BE(4))
  return createdAt > boundS || (createdAt === boundS && id.compare(value, 8, 1 + POSITION_BYTES) < 0)
}

/** The chunk, other than the head, that holds the position if the list does: the last that starts at or before it. */
export function chunkAt(
  table: PostingTable,
  list: Buffer,
  position: Buffer,
  keep: Keep = ownCopy,
): Chunk | undefined {
  const start = Buffer.concat([list, position])
  for (const key of table.getKeys({ start, reverse: true, limit: 1 }))
    if (isChunkOf(key, list)) return chunk(table, Buffer.from(key), keep)
  return undefined
}

/** Chunks of a list, other than the head, one after the other. */
export interface ChunkRun {
  readonly keys: readonly Buffer[]
  /** Whether the list ends with them. */
  readonly isLast: boolean
}

/**
 * The key of the chunk that holds a position, and of those after it. Where no chunk starts at or before the position, the first
 * key is that of a chunk that would.
 *
 * @param keysMax keys after the first one, about; 0: they are of no interest
 */
export function chunkKeysAt(table: PostingTable, list: Buffer, position: Buffer, keysMax: number): ChunkRun {
  const start = Buffer.concat([list, position])
  let first = start
  for (const key of table.getKeys({ start, reverse: true, limit: 1 }))
    if (isChunkOf(key, list)) first = Buffer.from(key)
  const keys = [first]
  if (keysMax === 0) return { keys, isLast: true }
  const end = Buffer.concat([list, AFTER_ALL_POSITIONS])
  for (const key of table.getKeys({ start: first, end, limit: keysMax + 1 }))
    if (Buffer.compare(key, first) > 0) keys.push(Buffer.from(key))
  return keys.length > keysMax ? { keys, isLast: false } : { keys, isLast: true }
}

/** The chunk after a key: after the list's own one, the first. */
export function chunkAfter(
  table: PostingTable,
  list: Buffer,
  after: Buffer,
  keep: Keep = ownCopy,
): Chunk | undefined {
  const key = chunkKeyAfter(table, list, after)
  return key === undefined ? undefined : chunk(table, key, keep)
}

export function chunkKeyAfter(table: PostingTable, list: Buffer, after: Buffer): Buffer | undefined {
  const end = Buffer.concat([list, AFTER_ALL_POSITIONS])
  for (const key of table.getKeys({ start: after, end, limit: 2 }))
    if (Buffer.compare(key, after) > 0) return Buffer.from(key)
  return undefined
}

/** The last chunk of a list, the head included: its oldest entries. */
export function lastChunk(table: PostingTable, list: Buffer): Chunk | undefined {
  const found = chunkAt(table, list, AFTER_ALL_POSITIONS)
  if (found !== undefined) return found
  const head = readHead(table, list)
  return head === undefined ? undefined : { key: list, entries: head.entries }
}

/** The position at which a chunk other than the head starts. */
export const startOf = (key: Buffer, list: Buffer): Buffer => key.subarray(list.length)

const isChunkOf = (key: Buffer, list: Buffer): boolean =>
  key.length === list.length + POSITION_BYTES && Buffer.compare(key.subarray(0, list.length), list) === 0

function chunk(table: PostingTable, key: Buffer, keep: Keep): Chunk | undefined {
  const entries = readCopy(table, key, keep)
  return entries === undefined ? undefined : { key, entries }
}
