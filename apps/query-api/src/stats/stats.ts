import type { ClickHouse } from '@millrace/clickhouse'
import type { RetentionConfig } from '@millrace/config'
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
    retention: z
      .object({
        kinds: z.array(z.object({ kindFrom: z.int(), kindTo: z.int(), keptSeconds: z.int() })).meta({
          description:
            'how long events are kept, counted from when the relay took them in: the first rule that names a kind holds; kinds that none names are kept for ever, 5 and 62 always',
        }),
        supersededKeptSeconds: z.int().nullable().meta({
          description: 'how long the log keeps a version that a newer one has replaced; null: for ever',
        }),
        erasureDeadlineSeconds: z
          .int()
          .meta({ description: 'until when what was erased is gone from every disk' }),
      })
      .meta({ id: 'Retention' }),
    ...freshnessShape,
  })
  .meta({ id: 'Stats' })

export type Stats = z.output<typeof statsSchema>

/** What operators have chosen, for GET /api/stats to show (NIP-11 has no field for it any more). */
export interface StatsPolicy extends RetentionConfig {
  readonly erasureDeadlineS: number
}

interface KindRow {
  readonly kind: number
  readonly events: number
  readonly newest: number
}

/** Reads everything for GET /api/stats: a scan of all events, so callers share one. */
export async function readStats(
  ch: ClickHouse,
  freshness: StoreFreshness,
  policy: StatsPolicy,
): Promise<Result<Stats>> {
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
    retention: {
      kinds: policy.retention.map(({ keptS, ...kinds }) => ({ ...kinds, keptSeconds: keptS })),
      supersededKeptSeconds: policy.supersededKeptS,
      erasureDeadlineSeconds: policy.erasureDeadlineS,
    },
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
