import type { Watermark } from '@millrace/clickhouse'
import { z } from 'zod'
import type { LogEnds } from './log-ends.ts'

/** How much of the log an answer holds (DESIGN 2.9). */
export interface Freshness {
  /** Everything acknowledged up to then is in the answer, milliseconds since the Unix epoch; null: not known. */
  readonly snapshotAsOfMs: number | null
  /** Something that was acknowledged may be missing. */
  readonly isPartial: boolean
}

export const freshnessShape = {
  snapshotAsOf: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'everything acknowledged up to this time is in the answer; null: not known' }),
  isPartial: z.boolean().meta({
    description: 'true while the store lags behind the log, or the log cannot be asked where it ends',
  }),
}

type Mark = Pick<Watermark, 'nextOffset' | 'appendedAtMs'>

/**
 * Compares the store's watermarks with the ends of the log; both must have been read before the answer. A partition that
 * is stored to its end is as fresh as the question for that end; one that lags, as its last stored record.
 */
export function freshnessOf(watermarks: ReadonlyMap<number, Mark>, log: LogEnds | null): Freshness {
  if (log === null || log.ends.size === 0)
    return { snapshotAsOfMs: earliest([...watermarks.values()].map(asOfMark)), isPartial: true }
  const asOf: (number | null)[] = []
  let isPartial = false
  for (const [partition, end] of log.ends) {
    const mark = watermarks.get(partition)
    const isStored = (mark?.nextOffset ?? 0) >= end
    asOf.push(isStored ? log.atMs : asOfMark(mark))
    if (!isStored) isPartial = true
  }
  return { snapshotAsOfMs: earliest(asOf), isPartial }
}

/** 0 stands for an unknown LogAppendTime. */
const asOfMark = (mark: Mark | undefined): number | null =>
  mark === undefined || mark.appendedAtMs === 0 ? null : mark.appendedAtMs

function earliest(times: readonly (number | null)[]): number | null {
  let first: number | null = null
  for (const time of times) {
    if (time === null) return null
    if (first === null || time < first) first = time
  }
  return first
}

export const freshnessJson = ({ snapshotAsOfMs, isPartial }: Freshness) => ({
  snapshotAsOf: snapshotAsOfMs === null ? null : new Date(snapshotAsOfMs).toISOString(),
  isPartial,
})
