import type { Offset, TopicPartition } from '../../port.ts'
import type { ProtocolCall } from '../internals.ts'
import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { call } from './call.ts'
import { type DecodedRecords, decodeRecordBatches } from './record-batch-decoder.ts'

export interface FetchPosition extends TopicPartition {
  readonly position: Offset
}

export interface FetchOptions {
  /** The broker answers after this time even if there is nothing, milliseconds. */
  readonly maxWaitMs: number
  /** Per partition; a single larger batch still comes whole. */
  readonly partitionBytesMax: number
  readonly responseBytesMax: number
}

export interface FetchedPartition extends TopicPartition, DecodedRecords {
  readonly errorCode: number
  /** The high watermark: the offset after the last acknowledged record. */
  readonly endOffset: Offset
  /** Size of the fetched batches, bytes. */
  readonly bytes: number
}

/**
 * Fetch, version 11, without a fetch session. Isolation is read_uncommitted: nothing here writes in transactions.
 */
export function fetchCall(
  positions: readonly FetchPosition[],
  { maxWaitMs, partitionBytesMax, responseBytesMax }: FetchOptions,
): ProtocolCall<readonly FetchedPartition[]> {
  const body = new ByteWriter()
    .int32(-1) // replica_id: a client
    .int32(maxWaitMs)
    .int32(1) // min_bytes
    .int32(responseBytesMax)
    .int8(0) // read_uncommitted
    .int32(0) // session_id
    .int32(-1) // session_epoch
    .array(positions, (writer, { topic, partition, position }) =>
      writer
        .string(topic)
        .int32(1)
        .int32(partition)
        .int32(-1) // current_leader_epoch: unknown
        .int64(position)
        .int64(-1) // log_start_offset: followers only
        .int32(partitionBytesMax),
    )
    .int32(0) // forgotten_topics_data
    .string('') // rack_id
    .done()
  const offsets = new Map(
    positions.map(({ topic, partition, position }) => [`${topic}:${partition}`, position]),
  )
  return call<readonly FetchedPartition[]>({
    apiKey: 1,
    apiVersion: 11,
    apiName: 'Fetch',
    body,
    requestTimeoutMs: maxWaitMs,
    read: (reader) => readResponse(reader, offsets),
  })
}

function readResponse(reader: ByteReader, offsets: ReadonlyMap<string, Offset>): readonly FetchedPartition[] {
  reader.at += 10 // throttle_time_ms, error_code, session_id
  return reader
    .array(() => {
      const topic = reader.string()
      return reader.array(() => readPartition(reader, topic, offsets))
    })
    .flat()
}

function readPartition(
  reader: ByteReader,
  topic: string,
  offsets: ReadonlyMap<string, Offset>,
): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const endOffset = reader.int64()
  reader.at += 16 // last_stable_offset, log_start_offset
  const aborted = reader.int32()
  if (aborted > 0) reader.at += aborted * 16
  reader.at += 4 // preferred_read_replica
  const length = reader.int32()
  const records = reader.slice(Math.max(0, length))
  const fetchOffset = offsets.get(`${topic}:${partition}`) ?? 0
  const decoded = decodeRecordBatches(records, { topic, partition }, fetchOffset)
  return { topic, partition, errorCode, endOffset, bytes: records.length, ...decoded }
}
