import { type ClickHouse, checkLogId, readWatermarks } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import type { LogStatus } from './log-status.ts'
import type { WatermarkStatus } from './report.ts'

interface SinkTopic {
  readonly sink: string
  readonly topic: string
}

/** The watermarks of every sink; foreign ones, and those past the log's end, are problems. */
export async function readStoreStatus(
  ch: ClickHouse,
  log: LogStatus | null,
  problems: string[],
): Promise<readonly WatermarkStatus[]> {
  const sinks = unwrap(
    await ch.query<SinkTopic>('SELECT DISTINCT sink, topic FROM nostr_store.watermarks ORDER BY sink, topic'),
  )
  const rows: WatermarkStatus[] = []
  for (const { sink, topic } of sinks) {
    const watermarks = unwrap(await readWatermarks(ch, sink, topic))
    const checked = log === null ? null : checkLogId(sink, watermarks, log.logId)
    if (checked?.ok === false) problems.push(checked.fault.message)
    for (const [partition, { nextOffset, appliedAtMs }] of watermarks) {
      const end = log?.ends.get(`${topic}:${partition}`)?.end ?? null
      if (end !== null && nextOffset > end)
        problems.push(`sink ${sink}: its watermark in ${topic}/${partition} is past the end of the log`)
      rows.push({ sink, topic, partition, nextOffset, end, appliedAt: new Date(appliedAtMs).toISOString() })
    }
  }
  return rows
}
