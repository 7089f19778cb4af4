import { randomUUID } from 'node:crypto'
import type { Log, RecordBatch, TopicPartition } from '@millrace/kafka'
import { delayMs } from '@millrace/kernel'

export interface ReadPosition extends TopicPartition {
  /** The offset read next. */
  readonly offset: number
}

/** Longest wait for the records, milliseconds. */
const DEADLINE_MS = 5_000

export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`

/**
 * When the record at each position, or the first one after it, was appended (milliseconds since the Unix epoch), by
 * `topic:partition`; missing where nothing came in time. This is what lag in seconds is made of: the age of the oldest
 * unread record, whatever a topic's compaction has done to its offsets.
 */
export async function firstUnread(
  log: Log,
  positions: readonly ReadPosition[],
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  if (positions.length === 0) return found
  const wanted = new Map(positions.map((position) => [partitionKey(position), position]))
  const done = new AbortController()
  const consumer = log.consumer({
    groupId: `ctl.status.${randomUUID()}`,
    topics: [...new Set(positions.map(({ topic }) => topic))],
    batchRecordsMax: 1,
  })
  const onBatch = async (batch: RecordBatch, signal: AbortSignal) => {
    const [first] = batch.records
    const key = partitionKey(batch)
    if (first === undefined || !wanted.has(key)) return
    found.set(key, first.timestampMs)
    if (found.size === wanted.size) done.abort()
    // One record is enough: the partition rests here until the consumer stops.
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
  try {
    const deadline = delayMs(DEADLINE_MS, done.signal)
    const started = consumer.start({
      onAssign: async (partitions) =>
        partitions.map(
          (partition) => wanted.get(partitionKey(partition)) ?? { ...partition, offset: 'latest' },
        ),
      onRevoke: async () => {},
      onBatch,
    })
    // A failed start ends the wait; status tells it by the lag it does not know.
    await Promise.race([
      deadline,
      started.then(
        () => deadline,
        () => {},
      ),
    ])
  } finally {
    await consumer.stop()
  }
  return found
}
