import { type ClickHouse, readWatermarks, type Watermark } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { TOPICS } from '@millrace/topics'
import { type Freshness, freshnessOf } from './freshness.ts'
import type { LogEnds, LogEndsReader } from './log-ends.ts'

/** The sink whose rows the API reads: apps/storage. */
const SINK = 'storage'

export interface StoreState {
  readonly freshness: Freshness
  readonly watermarks: ReadonlyMap<number, Watermark>
  readonly log: LogEnds | null
}

/** What the store holds of the log; to be asked before the rows that it is about. */
export async function readStoreState(ch: ClickHouse, log: LogEndsReader): Promise<Result<StoreState>> {
  const ends = await log.read()
  const watermarks = await readWatermarks(ch, SINK, TOPICS.events)
  if (!watermarks.ok) return watermarks
  return ok({ freshness: freshnessOf(watermarks.value, ends), watermarks: watermarks.value, log: ends })
}
