import type { ClickHouseSettings } from '@clickhouse/client'
import type { ClickHouseRole } from '@millrace/config'

/** What the client keeps to itself per role: every number is a bound with a unit. */
export interface RoleLimits {
  readonly queriesConcurrentMax: number
  readonly queriesWaitingMax: number
  /** Longest a call may take, waiting for a slot included, milliseconds. */
  readonly timeoutMs: number
}

export const ROLE_LIMITS: Readonly<Record<ClickHouseRole, RoleLimits>> = {
  insert: { queriesConcurrentMax: 4, queriesWaitingMax: 64, timeoutMs: 60_000 },
  req: { queriesConcurrentMax: 8, queriesWaitingMax: 512, timeoutMs: 10_000 },
  api: { queriesConcurrentMax: 8, queriesWaitingMax: 256, timeoutMs: 30_000 },
  maintenance: { queriesConcurrentMax: 2, queriesWaitingMax: 64, timeoutMs: 300_000 },
}

/**
 * Pinned on every statement, whatever the server's defaults: idempotence rests on the tables alone, so no insert is
 * deduplicated by its block, and an insert that returned is in the table (FACTS: async_insert is on by default).
 */
const PINNED: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 0,
  deduplicate_blocks_in_dependent_materialized_views: 0,
  date_time_output_format: 'iso',
  output_format_json_quote_64bit_integers: 0,
}

/** A small read costs more in planning and bookkeeping than in reading: one thread, no query log. */
const SMALL_READS: ClickHouseSettings = {
  max_threads: 1,
  log_queries: 0,
  do_not_merge_across_partitions_select_final: 1,
  cancel_http_readonly_queries_on_client_close: 1,
}

export const ROLE_SETTINGS: Readonly<Record<ClickHouseRole, ClickHouseSettings>> = {
  // The dependent tables are written side by side: a batch waits for one disk flush after the other otherwise.
  insert: { ...PINNED, log_queries: 0, parallel_view_processing: 1 },
  req: { ...PINNED, ...SMALL_READS },
  api: { ...PINNED, ...SMALL_READS, max_threads: 2 },
  maintenance: PINNED,
}
