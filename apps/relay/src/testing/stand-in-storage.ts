import { type ClickHouse, readWatermarks, writeWatermarks } from '@millrace/clickhouse'
import { decodeEnvelope, decodeTombstone } from '@millrace/codec'
import type { Log } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { type AppliedRecord, createEventsSink } from '@millrace/projection-events'
import { TOPICS } from '@millrace/topics'

/** Does once, and only when told to, what apps/storage does all the time: the log's events into ClickHouse, then the watermarks. */
export async function storeNow(kafka: Log, ch: ClickHouse, logId: string): Promise<void> {
  const sink = createEventsSink(ch)
  const marks = unwrap(await readWatermarks(ch, 'storage', TOPICS.events))
  await kafka.readToEnd(TOPICS.tombstones, async ({ records }) => {
    const tombstones = records.flatMap(({ value }) =>
      value === null ? [] : [unwrap(decodeTombstone(value))],
    )
    unwrap(await sink.applyTombstones(tombstones))
  })
  await kafka.readToEnd(TOPICS.events, async ({ partition, records, nextOffset }) => {
    const from = marks.get(partition)?.nextOffset ?? 0
    const applied = records.flatMap(({ value, offset, timestampMs }): AppliedRecord[] => {
      if (value === null || offset < from) return []
      return [
        {
          value: unwrap(decodeEnvelope(value)),
          topic: TOPICS.events,
          partition,
          offset,
          appendedAtMs: timestampMs,
        },
      ]
    })
    unwrap(await sink.apply(applied))
    const advance = { partition, nextOffset, appendedAtMs: records.at(-1)?.timestampMs ?? 0 }
    unwrap(await writeWatermarks(ch, 'storage', TOPICS.events, logId, [advance]))
  })
}
