import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { EVENT_TABLES } from './event-tables.ts'

/** ClickHouse's own default: longer would keep more on disk for nothing. */
const LIFETIME_S_MAX = 480

/**
 * How long a part stays on disk after a mutation or a merge has replaced it, and how often the server looks for such parts: an eighth
 * of the erasure deadline and a sixteenth. Needs the rights of migrations.
 */
export async function applyErasureDeadline(ch: ClickHouse, erasureDeadlineS: number): Promise<Result<void>> {
  const lifetimeS = Math.max(1, Math.min(LIFETIME_S_MAX, Math.floor(erasureDeadlineS / 8)))
  const lookS = Math.max(1, Math.min(30, Math.floor(erasureDeadlineS / 16)))
  for (const table of EVENT_TABLES) {
    const set = await ch.command(
      `ALTER TABLE nostr_store.${table} MODIFY SETTING old_parts_lifetime = ${lifetimeS},
         cleanup_delay_period = ${lookS}, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = ${lookS}`,
      { name: 'erasure_deadline' },
    )
    if (!set.ok) return set
  }
  return ok(undefined)
}
