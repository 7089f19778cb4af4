import { err, type Fault, fatal, ok, type Result } from '@millrace/kernel'
import type { Offset, StartPosition, TopicPartition } from '../port.ts'
import { type PartitionRange, partitionKey } from './backend.ts'

export interface PartitionStart {
  readonly at: TopicPartition
  readonly start: Offset
  readonly end: Offset
}

/**
 * Turns the owner's positions into offsets. A position past the end belongs to another log: the fatal fault
 * watermark-past-end (Kafka clients would start over in silence). One below the first record means that the head was
 * compacted or deleted: the first record is right. A partition without a position is the fatal fault internal.
 */
export function startOffsets(
  partitions: readonly TopicPartition[],
  positions: readonly StartPosition[],
  ranges: ReadonlyMap<string, PartitionRange>,
): Result<readonly PartitionStart[]> {
  const wanted = new Map(positions.map((position) => [partitionKey(position), position.offset]))
  const starts: PartitionStart[] = []
  for (const at of partitions) {
    const key = partitionKey(at)
    const range = ranges.get(key)
    const offset = wanted.get(key)
    if (!range || offset === undefined) return err(fatal('internal', `onAssign gave no position for ${key}`))
    if (typeof offset === 'number' && offset > range.end) return err(pastEnd(key, offset, range.end))
    starts.push({ at, start: startOffset(offset, range), end: range.end })
  }
  return ok(starts)
}

function startOffset(offset: StartPosition['offset'], { earliest, end }: PartitionRange): Offset {
  if (offset === 'earliest') return earliest
  if (offset === 'latest') return end
  return Math.max(offset, earliest)
}

export const pastEnd = (key: string, offset: Offset, end: Offset): Fault =>
  fatal(
    'watermark-past-end',
    `the watermark ${offset} of ${key} is past the end ${end} of the log: this is not the log it was written for`,
  )
