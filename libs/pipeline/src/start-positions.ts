import type { Offset, StartPosition, TopicPartition } from '@millrace/kafka'
import { err, type Fault, fatal, ok, type Result } from '@millrace/kernel'
import type { Watermark } from './sink.ts'

/**
 * Where to start each assigned partition: at its watermark, or at the beginning where the store has none (DESIGN 2.9).
 * Faults, both fatal: log-foreign when the store was filled from another log, watermark-past-end when the log is shorter
 * than what the store holds. Every partition of the topic is checked, not only the assigned ones.
 */
export function startPositions(
  assigned: readonly TopicPartition[],
  logId: string,
  watermarks: ReadonlyMap<number, Watermark>,
  ends: ReadonlyMap<number, Offset>,
): Result<readonly StartPosition[]> {
  for (const [partition, mark] of watermarks) {
    if (mark.logId !== logId) return err(foreign(logId, mark.logId))
    const end = ends.get(partition) ?? 0
    if (mark.nextOffset > end) return err(pastEnd(partition, mark.nextOffset, end))
  }
  return ok(
    assigned.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: watermarks.get(partition)?.nextOffset ?? ('earliest' as const),
    })),
  )
}

const REMEDY =
  "restore Kafka's data, or `ctl tables reset --yes` to rebuild ClickHouse from this log, exporting first with " +
  '`ctl export` what only ClickHouse holds'

const foreign = (logId: string, stored: string): Fault =>
  fatal(
    'log-foreign',
    `ClickHouse was filled from the log ${stored}, but Kafka holds the log ${logId}: ${REMEDY}`,
  )

const pastEnd = (partition: number, nextOffset: Offset, end: Offset): Fault =>
  fatal(
    'watermark-past-end',
    `ClickHouse holds partition ${partition} up to offset ${nextOffset}, but the log ends at ${end}: ${REMEDY}`,
  )
