import { type ClickHouse, RowBinaryWriter } from '@millrace/clickhouse'
import type { ErasableStore, ErasureSubject, Verification } from '@millrace/erasure'
import { delayMs, err, ok, type Result, transient } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'
import { coveredIds } from './covered-ids.ts'
import { EVENT_TABLES, TABLES_WITHOUT_EVENTS } from './event-tables.ts'
import { partsOnTheirWayOut, tracesOf } from './traces.ts'

export interface ClickHouseErasureOptions {
  /** Who erases: several may, each its own ids. */
  readonly eraser?: string
  /** Longest wait for the mutations of one erasure, milliseconds (default 15 minutes). */
  readonly mutationTimeoutMs?: number
  readonly pollMs?: number
  /** Whether `erase` answers once the parts that held the rows are removed (default), or once the rows are deleted. */
  readonly waitsForParts?: boolean
  /** Longest wait for the parts that held the rows to be removed, milliseconds (default 15 minutes). */
  readonly removalTimeoutMs?: number
  /** Called with the number of events whose rows are deleted. */
  readonly onErased?: (events: number) => void
}

const MUTATION_TIMEOUT_MS = 15 * 60_000
const POLL_MS = 100
const REMOVAL_TIMEOUT_MS = 15 * 60_000
const REMOVAL_POLL_MS = 1_000
const INSERT_IDS = 'INSERT INTO nostr_store.erasing_ids (eraser, id, since) FORMAT RowBinary'

/** The rows of the events projection as a store: hidden by its tombstone tables at once, deleted here. */
export function createClickHouseErasure(
  ch: ClickHouse,
  options: ClickHouseErasureOptions = {},
): ErasableStore {
  return new ClickHouseErasure(ch, options)
}

class ClickHouseErasure implements ErasableStore {
  readonly name = 'clickhouse'
  readonly #ch: ClickHouse
  readonly #options: ClickHouseErasureOptions

  constructor(ch: ClickHouse, options: ClickHouseErasureOptions) {
    this.#ch = ch
    this.#options = options
  }

  claims(place: string): boolean {
    return [...EVENT_TABLES, ...TABLES_WITHOUT_EVENTS].some((table) => place === `table:nostr_store.${table}`)
  }

  /**
   * Deletes the rows of what the tombstones cover from every table, by one mutation each that inserts never wait for, and answers once
   * they are done. What an earlier call was cut off in is gone on with. Faults: clickhouse-unavailable, clickhouse-refused.
   */
  async erase(tombstones: readonly Tombstone[]): Promise<Result<void>> {
    const ids = await coveredIds(this.#ch, tombstones)
    if (!ids.ok) return ids
    const noted = await this.#note([...ids.value])
    if (!noted.ok) return noted
    const pending = await this.#pending()
    if (!pending.ok) return pending
    if (pending.value === 0) return ok(undefined)
    const steps = [
      () => this.#deleteRows(),
      () => this.#mutationsDone(),
      () => this.#oldPartsRemoved(),
      () => this.#forget(),
    ]
    for (const step of steps) {
      const done = await step()
      if (!done.ok) return done
    }
    this.#options.onErased?.(pending.value)
    return ok(undefined)
  }

  verify(subject: ErasureSubject): Promise<Result<Verification>> {
    return tracesOf(this.#ch, subject)
  }

  /** Of ids whose rows are being deleted, and of parts that are not removed yet. */
  async oldestTraceMs(): Promise<Result<number | null>> {
    const oldest = await this.#ch.query<{ ms: number; count: number }>(
      `SELECT toUnixTimestamp64Milli(min(since)) AS ms, count() AS count FROM nostr_store.erasing_ids`,
      NAME,
    )
    if (!oldest.ok) return oldest
    const [{ ms, count } = { ms: 0, count: 0 }] = oldest.value
    return ok(Number(count) === 0 ? null : Number(ms))
  }

  get #eraser(): string {
    return this.#options.eraser ?? 'default'
  }

  async #note(ids: readonly string[]): Promise<Result<void>> {
    if (ids.length === 0) return ok(undefined)
    const to = new RowBinaryWriter()
    const nowMs = Date.now()
    for (const id of ids) {
      to.string(this.#eraser)
      to.fixedHex(id, 32)
      to.uint64(nowMs)
    }
    const inserted = await this.#ch.insertBytes(INSERT_IDS, to.bytes(), { name: 'erasing_ids_insert' })
    return inserted.ok ? ok(undefined) : inserted
  }

  async #pending(): Promise<Result<number>> {
    const pending = await this.#ch.query<{ count: number }>(
      'SELECT count() AS count FROM nostr_store.erasing_ids FINAL WHERE eraser = {eraser:String}',
      { params: { eraser: this.#eraser }, ...NAME },
    )
    return pending.ok ? ok(Number(pending.value[0]?.count ?? 0)) : pending
  }

  // Mutations run one after the other in the background; an insert that comes meanwhile is not held up by them.
  async #deleteRows(): Promise<Result<void>> {
    for (const table of EVENT_TABLES) {
      const started = await this.#ch.command(
        `ALTER TABLE nostr_store.${table} DELETE WHERE id IN (
           SELECT id FROM nostr_store.erasing_ids WHERE eraser = ${literal(this.#eraser)})`,
        { settings: { mutations_sync: '0' }, ...NAME },
      )
      if (!started.ok) return started
    }
    return ok(undefined)
  }

  async #mutationsDone(): Promise<Result<void>> {
    const { mutationTimeoutMs = MUTATION_TIMEOUT_MS, pollMs = POLL_MS } = this.#options
    const endMs = performance.now() + mutationTimeoutMs
    for (;;) {
      const left = await this.#ch.query<{ count: number }>(
        `SELECT count() AS count FROM system.mutations
         WHERE database = 'nostr_store' AND table IN {tables:Array(String)} AND NOT is_done`,
        { params: { tables: [...EVENT_TABLES] }, ...NAME },
      )
      if (!left.ok) return left
      if (Number(left.value[0]?.count) === 0) return ok(undefined)
      if (performance.now() > endMs)
        return err(transient('clickhouse-unavailable', 'erased rows were not deleted in time'))
      await delayMs(pollMs)
    }
  }

  /** The parts that held the rows go after `old_parts_lifetime`; a table at rest looks for them only now and then, unless it is woken. */
  async #oldPartsRemoved(): Promise<Result<void>> {
    const { waitsForParts = true, removalTimeoutMs = REMOVAL_TIMEOUT_MS } = this.#options
    if (!waitsForParts) return ok(undefined)
    const endMs = performance.now() + removalTimeoutMs
    for (;;) {
      const left = await partsOnTheirWayOut(this.#ch)
      if (!left.ok) return left
      if (left.value.length === 0) return ok(undefined)
      if (performance.now() > endMs)
        return err(transient('clickhouse-unavailable', 'parts with erased rows were not removed in time'))
      for (const table of new Set(left.value.map((part) => part.table))) {
        const woken = await this.#ch.command(`SYSTEM START MERGES nostr_store.${table}`, NAME)
        if (!woken.ok) return woken
      }
      await delayMs(REMOVAL_POLL_MS)
    }
  }

  async #forget(): Promise<Result<void>> {
    return this.#ch.command(
      `ALTER TABLE nostr_store.erasing_ids DELETE WHERE eraser = ${literal(this.#eraser)}`,
      { settings: { mutations_sync: '1' }, ...NAME },
    )
  }
}

const NAME = { name: 'erasure' } as const

/** Mutations take no parameters. */
const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
