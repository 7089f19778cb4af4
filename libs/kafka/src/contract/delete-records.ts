import type { ProtocolCall } from '../kafkajs/internals.ts'
import { ByteWriter } from '../kafkajs/protocol/byte-writer.ts'
import { call } from '../kafkajs/protocol/call.ts'
import type { Offset, TopicPartition } from '../port.ts'

const TIMEOUT_MS = 5_000

/**
 * DeleteRecords, version 0 (KIP-107): what retention does to the head of a partition. Goes to the partition's leader and
 * answers its error codes.
 */
export const deleteRecordsCall = (
  { topic, partition }: TopicPartition,
  offset: Offset,
): ProtocolCall<readonly number[]> =>
  call<readonly number[]>({
    apiKey: 21,
    apiVersion: 0,
    apiName: 'DeleteRecords',
    body: new ByteWriter()
      .int32(1)
      .string(topic)
      .int32(1)
      .int32(partition)
      .int64(offset)
      .int32(TIMEOUT_MS)
      .done(),
    read: (reader) => {
      reader.at += 4 // throttle_time_ms
      const perTopic = reader.array(() => {
        reader.string()
        return reader.array(() => {
          reader.at += 4 + 8 // partition, low_watermark
          return reader.int16()
        })
      })
      return perTopic.flat()
    },
  })
