import { type ClickHouse, readWatermarks, writeWatermarks } from '@millrace/clickhouse'
import type { WatermarkStore } from '@millrace/pipeline'

/** The watermarks of one sink, kept in ClickHouse beside its rows. */
export const clickHouseWatermarks = (ch: ClickHouse, sink: string): WatermarkStore => ({
  read: (topic) => readWatermarks(ch, sink, topic),
  write: (topic, logId, moves) => writeWatermarks(ch, sink, topic, logId, moves),
})
