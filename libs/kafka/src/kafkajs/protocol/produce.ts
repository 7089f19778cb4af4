import type { Offset, TopicPartition } from '../../port.ts'
import type { ProtocolCall } from '../internals.ts'
import { ByteWriter } from './byte-writer.ts'
import { call } from './call.ts'

export interface EncodedPartition extends TopicPartition {
  readonly batch: Buffer
}

export interface ProducedPartition extends TopicPartition {
  readonly errorCode: number
  readonly baseOffset: Offset
}

const ACKS_ALL = -1

/** Produce, version 7: acks=all, at most one record batch per partition. Answers every partition with its own error code. */
export function produceCall(
  partitions: readonly EncodedPartition[],
  timeoutMs: number,
): ProtocolCall<readonly ProducedPartition[]> {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  const bytes = partitions.reduce((sum, { batch }) => sum + batch.length + 64, 256)
  const body = new ByteWriter(bytes)
    .string(null)
    .int16(ACKS_ALL)
    .int32(timeoutMs)
    .array([...topics], (writer, [topic, entries]) =>
      writer
        .string(topic)
        .array(entries, (entry, { partition, batch }) => entry.int32(partition).bytes(batch)),
    )
    .done()
  return call<readonly ProducedPartition[]>({
    apiKey: 0,
    apiVersion: 7,
    apiName: 'Produce',
    body,
    read: (reader) =>
      reader
        .array(() => {
          const topic = reader.string()
          return reader.array(() => {
            const produced = {
              topic,
              partition: reader.int32(),
              errorCode: reader.int16(),
              baseOffset: reader.int64(),
            }
            reader.at += 16 // log_append_time, log_start_offset
            return produced
          })
        })
        .flat(),
  })
}
