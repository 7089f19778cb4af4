import type { OutgoingRecord } from '../../port.ts'
import { crc32c } from './crc32c.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** Who writes and where in the producer's numbering of a partition the batch starts (KIP-98). */
export interface BatchIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
}

const HEADER_BYTES = 61
const LENGTH_AT = 8
const EPOCH_AT = 12
const CRC_AT = 17
const ATTRIBUTES_AT = 21

/**
 * One record batch, format v2 (magic 2), uncompressed. The timestamp is only a hint: the topics use LogAppendTime.
 */
export function encodeRecordBatch(
  records: readonly OutgoingRecord[],
  { producerId, producerEpoch, firstSequence }: BatchIdentity,
  nowMs: number,
): Buffer {
  const bodies = records.map(recordBodyBytes)
  const size =
    bodies.reduce((sum, body) => sum + varintBytes(body) + body, HEADER_BYTES) + deltaBytes(records.length)
  const batch = Buffer.allocUnsafe(size)
  let at = HEADER_BYTES
  for (const [delta, record] of records.entries()) {
    at = writeVarint(batch, at, (bodies[delta] as number) + varintBytes(delta))
    at = writeRecordBody(batch, at, delta, record)
  }
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(at - EPOCH_AT, LENGTH_AT)
  batch.writeInt32BE(-1, EPOCH_AT)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(0, ATTRIBUTES_AT)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(nowMs), 27)
  batch.writeBigInt64BE(BigInt(nowMs), 35)
  batch.writeBigInt64BE(producerId, 43)
  batch.writeInt16BE(producerEpoch, 51)
  batch.writeInt32BE(firstSequence, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, at), CRC_AT)
  return batch.subarray(0, at)
}

/** Room for every record's offset delta, and for a length prefix that grows by it. */
function deltaBytes(count: number): number {
  return count * (varintBytes(count) + 1)
}

/** A record's bytes after its length, without its offset delta. */
function recordBodyBytes({ key, value, headers }: OutgoingRecord): number {
  const keyBytes = Buffer.byteLength(key)
  // attributes and a timestamp delta of zero take one byte each
  let bytes =
    2 + varintBytes(keyBytes) + keyBytes + varintBytes(value ? value.length : -1) + (value?.length ?? 0)
  const names = headers ? Object.keys(headers) : []
  bytes += varintBytes(names.length)
  for (const name of names) bytes += textBytes(name) + textBytes(headers?.[name] ?? '')
  return bytes
}

function textBytes(text: string): number {
  const length = Buffer.byteLength(text)
  return varintBytes(length) + length
}

function writeRecordBody(
  batch: Buffer,
  start: number,
  delta: number,
  { key, value, headers }: OutgoingRecord,
): number {
  let at = start
  batch[at++] = 0
  batch[at++] = 0
  at = writeVarint(batch, at, delta)
  at = typeof key === 'string' ? writeText(batch, at, key) : writeBytes(batch, at, key)
  at = value === null ? writeVarint(batch, at, -1) : writeBytes(batch, at, value)
  const names = headers ? Object.keys(headers) : []
  at = writeVarint(batch, at, names.length)
  for (const name of names) at = writeText(batch, writeText(batch, at, name), headers?.[name] ?? '')
  return at
}

function writeText(batch: Buffer, start: number, text: string): number {
  const at = writeVarint(batch, start, Buffer.byteLength(text))
  return at + batch.write(text, at)
}

function writeBytes(batch: Buffer, start: number, bytes: Buffer): number {
  const at = writeVarint(batch, start, bytes.length)
  return at + bytes.copy(batch, at)
}
