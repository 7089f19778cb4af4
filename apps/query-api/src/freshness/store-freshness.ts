import { type ClickHouse, readWatermarks, type Watermark } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { TOPICS } from '@millrace/topics'
import { type Freshness, freshnessOf } from './freshness.ts'
import type { LogEnds, LogEndsReader } from './log-ends.ts'
import { Remembered } from './remembered.ts'

/** The sink whose rows the API reads: apps/storage. */
const SINK = 'storage'

export interface StoreState {
  readonly freshness: Freshness
  readonly watermarks: ReadonlyMap<number, Watermark>
  readonly log: LogEnds | null
}

/** What the store holds of the log; to be asked before the rows that it is about. */
export interface StoreFreshness {
  /** Faults: log-foreign, clickhouse-unavailable, clickhouse-refused. */
  read(): Promise<Result<StoreState>>
}

/**
 * Watermarks and the log's ends, read side by side: a watermark at an end proves that all below it is stored, whichever was
 * read first. An older state is still true, so callers within `maxAgeMs` share one.
 */
export function createStoreFreshness(ch: ClickHouse, log: LogEndsReader, maxAgeMs: number): StoreFreshness {
  return new Remembered(async () => {
    const [ends, watermarks] = await Promise.all([log.read(), readWatermarks(ch, SINK, TOPICS.events)])
    if (!watermarks.ok) return watermarks
    const freshness = freshnessOf(watermarks.value, ends)
    return ok({ freshness, watermarks: watermarks.value, log: ends })
  }, maxAgeMs)
}
