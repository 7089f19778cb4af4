import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { FaultError, fatal } from '@millrace/kernel'
import type { LogRecord, Offset, TopicPartition } from '../../port.ts'
import { ByteReader } from './byte-reader.ts'

export interface DecodedRecords {
  readonly records: readonly LogRecord[]
  /** After the last whole batch, with or without records in it; the fetch offset when there was none. */
  readonly nextOffset: Offset
}

const LENGTH_END = 12
const HEADER_BYTES = 61
const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME_MASK = 0x08
const CONTROL_MASK = 0x20

const DECOMPRESS: Readonly<Record<number, (bytes: Buffer) => Buffer>> = {
  0: (bytes) => bytes,
  1: (bytes) => gunzipSync(bytes),
  4: (bytes) => zstdDecompressSync(bytes),
}

/**
 * The records at or after `fetchOffset` in a run of record batches (format v2), as a fetch answers them. A batch that
 * compaction emptied and a control batch give no records but count for `nextOffset`; a batch cut off at the end of the
 * run is left for the next fetch. Keys and values are views of `bytes`. Throws RangeError for damaged bytes and a
 * fatal FaultError (record-undecodable) for a format or compression that this client does not read.
 */
export function decodeRecordBatches(bytes: Buffer, at: TopicPartition, fetchOffset: Offset): DecodedRecords {
  const records: LogRecord[] = []
  let nextOffset = fetchOffset
  let start = 0
  while (bytes.length - start >= HEADER_BYTES) {
    const size = LENGTH_END + bytes.readInt32BE(start + 8)
    if (bytes.length - start < size) break
    const last = decodeBatch(bytes.subarray(start, start + size), at, fetchOffset, records)
    nextOffset = Math.max(nextOffset, last + 1)
    start += size
  }
  return { records, nextOffset }
}

function decodeBatch(batch: Buffer, at: TopicPartition, fetchOffset: Offset, records: LogRecord[]): Offset {
  const reader = new ByteReader(batch)
  const baseOffset = reader.int64()
  reader.at = 16
  const magic = reader.int8()
  if (magic !== 2) throw unreadable(`${at.topic}: record format ${magic} is not read (2 is)`)
  reader.at = 21
  const attributes = reader.int16()
  const lastOffset = baseOffset + reader.int32()
  if (attributes & CONTROL_MASK) return lastOffset
  const baseTimestampMs = reader.int64()
  const maxTimestampMs = reader.int64()
  const appendTimeMs = attributes & LOG_APPEND_TIME_MASK ? maxTimestampMs : null
  reader.at = 57
  const count = reader.int32()
  const decompress = DECOMPRESS[attributes & COMPRESSION_MASK]
  if (!decompress)
    throw unreadable(
      `${at.topic}: compression ${attributes & COMPRESSION_MASK} is not read (gzip and zstd are)`,
    )
  const body = new ByteReader(count > 0 ? decompress(batch.subarray(HEADER_BYTES)) : batch)
  for (let index = 0; index < count; index++) {
    const record = decodeRecord(body, at, baseOffset, baseTimestampMs, appendTimeMs)
    if (record.offset >= fetchOffset) records.push(record)
  }
  return lastOffset
}

const unreadable = (message: string) => new FaultError(fatal('record-undecodable', message))

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

function decodeRecord(
  body: ByteReader,
  { topic, partition }: TopicPartition,
  baseOffset: Offset,
  baseTimestampMs: number,
  appendTimeMs: number | null,
): LogRecord {
  const length = body.varint()
  const end = body.at + length
  body.at += 1
  const timestampMs = appendTimeMs ?? baseTimestampMs
  const timestampDeltaMs = body.varint()
  const offset = baseOffset + body.varint()
  const key = body.varintBytes()
  const value = body.varintBytes()
  const headers = decodeHeaders(body)
  body.at = end
  return {
    topic,
    partition,
    offset,
    timestampMs: appendTimeMs === null ? timestampMs + timestampDeltaMs : timestampMs,
    key,
    value,
    headers,
  }
}

function decodeHeaders(body: ByteReader): Readonly<Record<string, string>> {
  const count = body.varint()
  if (count === 0) return NO_HEADERS
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index < count; index++) {
    const name = body.varintBytes()?.toString('utf8') ?? ''
    headers[name] = body.varintBytes()?.toString('utf8') ?? ''
  }
  return headers
}
