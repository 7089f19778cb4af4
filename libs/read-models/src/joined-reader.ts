import type { ClickHouse } from '@millrace/clickhouse'
import { err, ok, type Result, transient } from '@millrace/kernel'
import { type Filter, isNewerVersion, type NostrEvent, TombstoneSet } from '@millrace/nostr'
import { EventBodies, type EventBodiesLimits } from './bodies/event-bodies.ts'
import { bodyOfEntry } from './bodies/event-body.ts'
import { Deadline } from './deadline.ts'
import type { CurrentVersion, ReadContext, ServedEvent } from './event-reader.ts'
import { drainMerged, FilterCursor, hungryOf } from './filter-cursor.ts'
import { Overlay } from './overlay/overlay.ts'
import { type ErasedIds, PageReader, type PageReaderLimits } from './page-reader.ts'
import { parseAddress } from './sql/statement.ts'
import type { BelowReader } from './view/viewed-reader-parts.ts'
import { doesCount } from './visibility.ts'

export interface EventReaderLimits extends PageReaderLimits, EventBodiesLimits {
  /** Longest a query may take from its call to its last chunk's read, milliseconds. */
  readonly queryTimeoutMs: number
  /** Most events in one chunk. */
  readonly chunkEventsMax: number
}

export interface EventReaderParts {
  readonly clickhouse: ClickHouse
  /** Absent: nothing but the store is read. */
  readonly overlay?: Overlay
  /** All tombstones of the log, held by the caller. Absent: `erasedIds` answers for them. */
  readonly tombstones?: TombstoneSet
  readonly erasedIds?: ErasedIds
  readonly limits?: Partial<EventReaderLimits>
  /** Called for every page beyond the first of a query. */
  readonly onRefill?: () => void
}

export const EVENT_READER_LIMITS: EventReaderLimits = {
  statementsMax: 3,
  statementFiltersMax: 24,
  readsWaitingMax: 2_000,
  pageRowsMax: 500,
  queryTimeoutMs: 15_000,
  chunkEventsMax: 500,
  statementEventsMax: 1_000,
  bodyCacheBytesMax: 128 * 1024 * 1024,
}

/** Joins the overlay and ClickHouse into one EventReader. */
export function createEventReader(parts: EventReaderParts): BelowReader {
  return new JoinedReader(parts, { ...EVENT_READER_LIMITS, ...parts.limits })
}

class JoinedReader implements BelowReader {
  readonly #overlay: Overlay
  readonly #tombstones: TombstoneSet
  readonly #limits: EventReaderLimits
  readonly #pages: PageReader
  readonly #bodies: EventBodies
  readonly #onRefill: () => void

  constructor(parts: EventReaderParts, limits: EventReaderLimits) {
    const { clickhouse, erasedIds = async () => ok(new Set<string>()) } = parts
    this.#overlay = parts.overlay ?? new Overlay({ overlayEventsMax: 0, overlayBytesMax: 0 })
    this.#tombstones = parts.tombstones ?? new TombstoneSet()
    this.#limits = limits
    this.#onRefill = parts.onRefill ?? (() => {})
    this.#bodies = new EventBodies(clickhouse, limits)
    this.#overlay.onLeave((entry) => this.#bodies.put(bodyOfEntry(entry)))
    this.#pages = new PageReader(
      {
        clickhouse,
        bodies: this.#bodies,
        overlay: this.#overlay,
        tombstones: this.#tombstones,
        erasedIds,
      },
      limits,
    )
  }

  async *query(
    filters: readonly Filter[],
    context: ReadContext,
  ): AsyncGenerator<Result<readonly ServedEvent[]>, void, undefined> {
    using deadline = new Deadline(this.#limits.queryTimeoutMs)
    const signal =
      context.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, context.signal])
    const cursors = filters.map((filter) => new FilterCursor(filter))
    for (let round = 0; cursors.some((cursor) => !cursor.isDone); round++) {
      if (round > 0) this.#onRefill()
      const moved = await this.#pages.advance(hungryOf(cursors), context, signal)
      if (context.signal?.aborted) return
      if (deadline.signal.aborted) return yield err(transient('timeout', 'the query took too long'))
      if (!moved.ok) return yield moved
      yield* chunksOf(drainMerged(cursors), this.#limits.chunkEventsMax)
    }
  }

  async advance(cursors: readonly FilterCursor[], context: ReadContext): Promise<Result<void>> {
    using deadline = new Deadline(this.#limits.queryTimeoutMs)
    const signal =
      context.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, context.signal])
    const moved = await this.#pages.advance(cursors, context, signal)
    return deadline.signal.aborted ? err(transient('timeout', 'the query took too long')) : moved
  }

  async lookup(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ServedEvent>>> {
    const found = new Map<string, ServedEvent>()
    for (const id of ids) {
      const entry = this.#overlay.get(id)
      if (entry !== undefined) found.set(id, bodyOfEntry(entry))
    }
    const missing = ids.filter((id) => !found.has(id))
    if (missing.length === 0) return ok(found)
    using deadline = new Deadline(this.#limits.queryTimeoutMs)
    const stored = await this.#bodies.find(missing, deadline.signal)
    return stored.ok ? ok(new Map([...found, ...stored.value])) : stored
  }

  async currentVersions(addresses: readonly string[]): Promise<Result<ReadonlyMap<string, CurrentVersion>>> {
    const current = new Map<string, CurrentVersion>()
    const counts = (event: NostrEvent) => !this.#tombstones.covers(event)
    using view = this.#overlay.open()
    using deadline = new Deadline(this.#limits.queryTimeoutMs)
    const stored = await this.#pages.versions(addresses.map(parseAddress), deadline.signal)
    if (!stored.ok) return stored
    for (const address of addresses) {
      const here = view.winner(address, counts)
      const there = stored.value.get(address)
      const candidates: CurrentVersion[] = []
      if (here !== undefined) candidates.push({ id: here.id, createdAt: here.createdAt })
      if (there !== undefined && doesCount(there, this.#tombstones))
        candidates.push({ id: there.id, createdAt: there.createdAt })
      const newest = candidates.sort((a, b) => (isNewer(a, b) ? -1 : 1))[0]
      if (newest !== undefined) current.set(address, newest)
    }
    return ok(current)
  }
}

const isNewer = (a: CurrentVersion, b: CurrentVersion): boolean =>
  isNewerVersion({ created_at: a.createdAt, id: a.id }, { created_at: b.createdAt, id: b.id })

function* chunksOf(events: readonly ServedEvent[], chunkEventsMax: number) {
  for (let from = 0; from < events.length; from += chunkEventsMax)
    yield ok(events.slice(from, from + chunkEventsMax))
}
