import { FaultError, fatal } from '@millrace/kernel'
import type { Offset, StartPosition, TopicPartition } from '../port.ts'
import { type PartitionRange, partitionKey } from './backend.ts'

/**
 * Turns the owner's positions into offsets. A position past the end belongs to another log and is fatal (Kafka clients
 * would start over in silence); one below the first record means the head was compacted or deleted: the first record
 * is right. A partition without a position is a programming error.
 */
export function startOffsets(
  partitions: readonly TopicPartition[],
  positions: readonly StartPosition[],
  ranges: ReadonlyMap<string, PartitionRange>,
): readonly { readonly at: TopicPartition; readonly start: Offset; readonly end: Offset }[] {
  const wanted = new Map(positions.map((position) => [partitionKey(position), position.offset]))
  return partitions.map((at) => {
    const key = partitionKey(at)
    const range = ranges.get(key)
    const offset = wanted.get(key)
    if (!range || offset === undefined)
      throw new FaultError(fatal('internal', `onAssign gave no position for ${key}`))
    return { at, start: startOffset(key, offset, range), end: range.end }
  })
}

function startOffset(
  key: string,
  offset: StartPosition['offset'],
  { earliest, end }: PartitionRange,
): Offset {
  if (offset === 'earliest') return earliest
  if (offset === 'latest') return end
  if (offset > end) throw new FaultError(pastEnd(key, offset, end))
  return Math.max(offset, earliest)
}

export const pastEnd = (key: string, offset: Offset, end: Offset) =>
  fatal(
    'watermark-past-end',
    `the watermark ${offset} of ${key} is past the end ${end} of the log: this is not the log it was written for`,
  )
