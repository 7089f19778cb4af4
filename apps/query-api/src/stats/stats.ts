import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { z } from 'zod'
import { freshnessJson, freshnessShape } from '../freshness/freshness.ts'
import type { StoreFreshness, StoreState } from '../freshness/store-freshness.ts'

export const statsSchema = z
  .object({
    events: z.int().meta({ description: 'events that are shown: current versions, nothing private' }),
    newestCreatedAt: z.int().nullable().meta({ description: 'seconds since the Unix epoch' }),
    kinds: z
      .array(z.object({ kind: z.int(), events: z.int(), newestCreatedAt: z.int() }))
      .meta({ description: 'the most frequent first' }),
    watermarks: z.array(
      z.object({
        partition: z.int(),
        nextOffset: z.int().meta({ description: 'every record below it is stored' }),
        lagRecords: z
          .int()
          .nullable()
          .meta({ description: 'records of the log that are not stored yet; null: not known' }),
        appendedAt: z.iso
          .datetime()
          .nullable()
          .meta({ description: 'when the log took in the last stored record' }),
        appliedAt: z.iso.datetime().meta({ description: 'when it was stored' }),
      }),
    ),
    ...freshnessShape,
  })
  .meta({ id: 'Stats' })

export type Stats = z.output<typeof statsSchema>

interface KindRow {
  readonly kind: number
  readonly events: number
  readonly newest: number
}

/** Reads everything for GET /api/stats: a scan of all events, so callers share one. */
export async function readStats(ch: ClickHouse, freshness: StoreFreshness): Promise<Result<Stats>> {
  const state = await freshness.read()
  if (!state.ok) return state
  const kinds = await ch.query<KindRow>(
    `SELECT kind, count() AS events, max(created_at) AS newest
     FROM nostr.events_current GROUP BY kind ORDER BY events DESC, kind`,
    { name: 'stats' },
  )
  if (!kinds.ok) return kinds
  const rows = kinds.value
  return ok({
    events: rows.reduce((sum, { events }) => sum + events, 0),
    newestCreatedAt: rows.length === 0 ? null : Math.max(...rows.map(({ newest }) => newest)),
    kinds: rows.map(({ kind, events, newest }) => ({ kind, events, newestCreatedAt: newest })),
    watermarks: watermarksOf(state.value),
    ...freshnessJson(state.value.freshness),
  })
}

const watermarksOf = ({ watermarks, log }: StoreState): Stats['watermarks'] =>
  [...watermarks]
    .sort(([a], [b]) => a - b)
    .map(([partition, { nextOffset, appendedAtMs, appliedAtMs }]) => {
      const end = log?.ends.get(partition)
      return {
        partition,
        nextOffset,
        lagRecords: end === undefined ? null : Math.max(0, end - nextOffset),
        appendedAt: appendedAtMs === 0 ? null : new Date(appendedAtMs).toISOString(),
        appliedAt: new Date(appliedAtMs).toISOString(),
      }
    })
