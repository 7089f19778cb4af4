import type { ClickHouse } from '@millrace/clickhouse'
import { delayMs, err, ok, type Result, transient } from '@millrace/kernel'

// As text, a list of ids stays below http_max_field_value_size (128 KiB by default).
const IDS_PER_QUERY_MAX = 1_000
const MUTATION_WAIT_MAX_MS = 60_000
const MUTATION_POLL_MS = 50

const IDS = '(SELECT unhex(arrayJoin({ids:Array(String)})))'
const COLUMNS = `id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at`
// Those marked by now; a later mark on the same address is another repair.
const PENDING = `(SELECT kind, pubkey, d FROM nostr_store.winner_repairs FINAL
  WHERE is_settled = 0 AND mark <= {mark:UInt64})`
const NEXT_MARK = '(intDiv((SELECT max(mark) FROM nostr_store.winner_repairs), 2) + 1) * 2'

/**
 * Gives an address its next version back when its winner is erased without a floor, which happens when an erased event
 * slipped into the log (DESIGN 2.6). The table of winners keeps the highest version only, so the erased row is deleted
 * before the next one is written; while that takes, the address is marked and the views answer it from its versions.
 */
export class Repairs {
  readonly #ch: ClickHouse

  constructor(ch: ClickHouse) {
    this.#ch = ch
  }

  /** Marks the addresses whose winner is one of these events. */
  async mark(eventIds: readonly string[]): Promise<Result<void>> {
    for (const ids of chunksOf(eventIds, IDS_PER_QUERY_MAX)) {
      const marked = await this.#command(
        `INSERT INTO nostr_store.winner_repairs (kind, pubkey, d, mark)
         SELECT DISTINCT kind, pubkey, d, ${NEXT_MARK} FROM nostr_store.winners WHERE id IN ${IDS}`,
        { ids },
      )
      if (!marked.ok) return marked
    }
    return ok(undefined)
  }

  /** Marks and repairs the addresses of those versions, just written, that were erased before. */
  async afterEvents(versionIds: readonly string[]): Promise<Result<void>> {
    const erased: string[] = []
    for (const ids of chunksOf(versionIds, IDS_PER_QUERY_MAX)) {
      const found = await this.#query<{ id: string }>(
        `SELECT DISTINCT lower(hex(event_id)) AS id FROM nostr_store.tombstone_events WHERE event_id IN ${IDS}`,
        { ids },
      )
      if (!found.ok) return found
      erased.push(...found.value.map(({ id }) => id))
    }
    if (erased.length === 0) return ok(undefined)
    const marked = await this.mark(erased)
    return marked.ok ? this.repair() : marked
  }

  /** Repairs every marked address, those of a process that died in between included. */
  async repair(): Promise<Result<void>> {
    const pending = await this.#query<{ mark: number; count: number }>(
      'SELECT max(mark) AS mark, count() AS count FROM nostr_store.winner_repairs FINAL WHERE is_settled = 0',
      {},
    )
    if (!pending.ok) return pending
    const { mark = 0, count = 0 } = pending.value[0] ?? {}
    if (count === 0) return ok(undefined)
    const replaced = await this.#replaceErased(mark)
    if (!replaced.ok) return replaced
    return this.#command(
      `INSERT INTO nostr_store.winner_repairs (kind, pubkey, d, mark)
       SELECT kind, pubkey, d, mark + 1 FROM nostr_store.winner_repairs FINAL
       WHERE is_settled = 0 AND mark <= {mark:UInt64}`,
      { mark },
    )
  }

  /** Where an erased winner hides a version that is not erased: deletes the erased rows, writes the best of the others. */
  async #replaceErased(mark: number): Promise<Result<void>> {
    const hiding = await this.#query<{ id: string }>(
      `SELECT DISTINCT lower(hex(id)) AS id FROM nostr_store.winners_erased
       WHERE (kind, pubkey, d) IN ${PENDING}
         AND (kind, pubkey, d) IN (SELECT kind, pubkey, d FROM nostr_store.winners FINAL
           WHERE (kind, pubkey, d) IN ${PENDING} AND id IN (SELECT id FROM nostr_store.winners_erased
             WHERE (kind, pubkey, d) IN ${PENDING}))
         AND (kind, pubkey, d) IN (SELECT kind, pubkey, d FROM nostr_store.events_alive
           WHERE (kind, pubkey, d) IN ${PENDING})`,
      { mark },
    )
    if (!hiding.ok) return hiding
    if (hiding.value.length === 0) return ok(undefined)
    const deleted = await this.#deleteWinners(hiding.value.map(({ id }) => id))
    if (!deleted.ok) return deleted
    return this.#command(
      `INSERT INTO nostr_store.winners (${COLUMNS}) SELECT ${COLUMNS} FROM nostr_store.events_alive
       WHERE (kind, pubkey, d) IN ${PENDING} ORDER BY created_at DESC, id ASC LIMIT 1 BY kind, pubkey, d`,
      { mark },
    )
  }

  // Only erased events, by their ids: a version that arrives meanwhile is never touched.
  async #deleteWinners(erasedIds: readonly string[]): Promise<Result<void>> {
    for (const ids of chunksOf(erasedIds, IDS_PER_QUERY_MAX)) {
      const literals = ids.map((id) => `unhex('${id}')`).join(', ')
      const started = await this.#ch.command(`DELETE FROM nostr_store.winners WHERE id IN (${literals})`, {
        settings: { lightweight_deletes_sync: '0' },
        name: 'winners_repair',
      })
      if (!started.ok) return started
    }
    return this.#mutationsDone()
  }

  async #mutationsDone(): Promise<Result<void>> {
    const deadlineMs = Date.now() + MUTATION_WAIT_MAX_MS
    for (;;) {
      const left = await this.#query<{ count: number }>(
        `SELECT count() AS count FROM system.mutations
         WHERE database = 'nostr_store' AND table = 'winners' AND NOT is_done`,
        {},
      )
      if (!left.ok) return left
      if (left.value[0]?.count === 0) return ok(undefined)
      if (Date.now() > deadlineMs)
        return err(transient('clickhouse-unavailable', 'erased winners were not deleted in time'))
      await delayMs(MUTATION_POLL_MS)
    }
  }

  #query<T>(sql: string, params: Record<string, unknown>): Promise<Result<T[]>> {
    return this.#ch.query<T>(sql, { params, name: 'winners_repair' })
  }

  #command(sql: string, params: Record<string, unknown>): Promise<Result<void>> {
    return this.#ch.command(sql, { params, name: 'winners_repair' })
  }
}

function* chunksOf<T>(items: readonly T[], sizeMax: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += sizeMax) yield items.slice(from, from + sizeMax)
}
