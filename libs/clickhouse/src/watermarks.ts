import { err, fatal, ok, type Result } from '@millrace/kernel'
import type { ClickHouse } from './client.ts'

/** How far a sink has durably applied one partition of one log (DESIGN 2.9). */
export interface Watermark {
  readonly logId: string
  /** Everything below this offset is in the store. */
  readonly nextOffset: number
  /** When it was written, milliseconds since the Unix epoch, by the store's clock. */
  readonly appliedAtMs: number
  /** LogAppendTime of the last record below nextOffset, milliseconds since the Unix epoch; 0 where it was not told. */
  readonly appendedAtMs: number
}

export interface WatermarkAdvance {
  readonly partition: number
  readonly nextOffset: number
  /** LogAppendTime of the last record below nextOffset, milliseconds since the Unix epoch; absent where it is unknown. */
  readonly appendedAtMs?: number
}

interface Row {
  readonly log_id: string
  readonly partition: number
  readonly next_offset: number
  readonly applied_at_ms: number
  readonly appended_at_ms: number
}

/**
 * The watermarks of a sink by partition; empty before its first batch. Faults: log-foreign when the store holds those of
 * more than one log (fatal: rows of two logs are mixed), clickhouse-unavailable, clickhouse-refused.
 */
export async function readWatermarks(
  ch: ClickHouse,
  sink: string,
  topic: string,
): Promise<Result<ReadonlyMap<number, Watermark>>> {
  const rows = await ch.query<Row>(
    `SELECT toString(log_id) AS log_id, partition, next_offset,
       toUnixTimestamp64Milli(applied_at) AS applied_at_ms, toUnixTimestamp64Milli(appended_at) AS appended_at_ms
     FROM nostr_store.watermarks FINAL
     WHERE sink = {sink:String} AND topic = {topic:String}
     ORDER BY partition`,
    { params: { sink, topic }, name: 'watermarks_read' },
  )
  if (!rows.ok) return rows
  const logIds = new Set(rows.value.map((row) => row.log_id))
  if (logIds.size > 1) return foreign(sink, [...logIds])
  return ok(
    new Map(
      rows.value.map((row) => [
        row.partition,
        {
          logId: row.log_id,
          nextOffset: row.next_offset,
          appliedAtMs: row.applied_at_ms,
          appendedAtMs: row.appended_at_ms,
        },
      ]),
    ),
  )
}

/** Checks that the store was filled from this log. Fault: log-foreign. */
export function checkLogId(
  sink: string,
  watermarks: ReadonlyMap<number, Pick<Watermark, 'logId'>>,
  logId: string,
): Result<void> {
  const others = [...new Set([...watermarks.values()].map((watermark) => watermark.logId))].filter(
    (id) => id !== logId,
  )
  return others.length === 0 ? ok(undefined) : foreign(sink, [logId, ...others])
}

const foreign = (sink: string, logIds: readonly string[]): Result<never> =>
  err(
    fatal(
      'log-foreign',
      `sink ${sink}: the store and the log do not belong together (log ids ${logIds.join(', ')}): ` +
        "restore Kafka's data, or `ctl tables reset --yes` to rebuild ClickHouse from this log, exporting first with " +
        '`ctl export` what only ClickHouse holds',
    ),
  )

const INSERT = `INSERT INTO nostr_store.watermarks (sink, topic, log_id, partition, next_offset, appended_at)
  SELECT sink, topic, log_id, partition, next_offset, fromUnixTimestamp64Milli(appended_at_ms)
  FROM input('sink String, topic String, log_id UUID, partition UInt32, next_offset UInt64, appended_at_ms Int64')`

/** Publishes progress; to be called only after the rows below it are durable. An older offset than the known one has no effect. */
export async function writeWatermarks(
  ch: ClickHouse,
  sink: string,
  topic: string,
  logId: string,
  advances: readonly WatermarkAdvance[],
): Promise<Result<void>> {
  const rows = advances.map(({ partition, nextOffset, appendedAtMs }) => [
    sink,
    topic,
    logId,
    partition,
    nextOffset,
    appendedAtMs ?? 0,
  ])
  const written = await ch.insertRows(INSERT, rows, { name: 'watermarks_write' })
  return written.ok ? ok(undefined) : written
}

/** The watermarks of one sink. */
export interface WatermarkStore {
  read(topic: string): Promise<Result<ReadonlyMap<number, Watermark>>>
  write(topic: string, logId: string, advances: readonly WatermarkAdvance[]): Promise<Result<void>>
}

export const createWatermarkStore = (ch: ClickHouse, sink: string): WatermarkStore => ({
  read: (topic) => readWatermarks(ch, sink, topic),
  write: (topic, logId, advances) => writeWatermarks(ch, sink, topic, logId, advances),
})
