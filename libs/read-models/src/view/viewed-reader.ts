import type { ViewReader } from '@millrace/event-store'
import { ok, type Result } from '@millrace/kernel'
import { addressOf, type Filter, isNewerVersion, type NostrEvent, type TombstoneSet } from '@millrace/nostr'
import { bodyOfEntry } from '../bodies/event-body.ts'
import type { CurrentVersion, EventReader, ReadContext, ServedEvent } from '../event-reader.ts'
import { drainMerged, FilterCursor } from '../filter-cursor.ts'
import type { Overlay } from '../overlay/overlay.ts'
import type { OverlayPage, OverlayView } from '../overlay/overlay-view.ts'
import { comparePositions, type Position } from '../position.ts'
import { RowEvent } from '../row-event.ts'
import { isVersionedKind } from '../sql/kind-class.ts'
import { parseAddress } from '../sql/statement.ts'
import { visibilityFor } from '../visibility.ts'
import { isSuperseded, isSupersededInView, newerVersion, versionInView } from './view-versions.ts'

/** What is asked below the view's horizon: the overlay joined with ClickHouse. */
export interface BelowReader extends EventReader {
  /** Moves cursors by a page each, at least one position. */
  advance(cursors: readonly FilterCursor[], context: ReadContext): Promise<Result<void>>
}

export interface ViewedReaderParts {
  readonly overlay: Overlay
  readonly tombstones: TombstoneSet
  /** The view once it may answer; null while it is being filled: then everything is asked below. */
  readonly view: () => ViewReader | null
  /** Whether tombstones are known here that the view has not applied. Absent: the view knows by itself. */
  readonly isBehind?: (view: ViewReader) => boolean
  readonly below: BelowReader
  readonly limits: ViewedReaderLimits
  /** Called for every filter that is also asked below the horizon. */
  readonly onBelow?: () => void
}

export interface ViewedReaderLimits {
  /** Longest time that one REQ holds the event loop, milliseconds. */
  readonly sliceMs: number
  readonly pageRowsMax: number
  /** Of records in one page, bytes. */
  readonly pageBytesMax: number
}

export const VIEWED_READER_LIMITS: ViewedReaderLimits = {
  sliceMs: 5,
  pageRowsMax: 500,
  pageBytesMax: 1024 * 1024,
}

/**
 * Overlay, serving view and, below the view's horizon, ClickHouse as one EventReader (DESIGN 3). A page reads overlay and
 * view in one turn of the event loop, overlay first: what leaves the overlay is in the view by then.
 */
export class ViewedReader implements EventReader {
  readonly #parts: ViewedReaderParts

  constructor(parts: ViewedReaderParts) {
    this.#parts = parts
  }

  /** The whole answer if overlay and view have it within one slice of time; else null, and `query` is to be asked. */
  answerNow(filters: readonly Filter[], context: ReadContext): readonly ServedEvent[] | null {
    const view = this.#fresh()
    if (view === null) return null
    const { pageRowsMax } = this.#parts.limits
    const endMs = this.#endOfSlice()
    const cursors = filters.map((filter) => new FilterCursor(filter))
    if (cursors.some(({ left }) => left > pageRowsMax)) return null
    for (const cursor of cursors) {
      if (cursor.isDone) continue
      if (!isAbove(cursor, view) || performance.now() > endMs) return null
      this.#readView(cursor, view, context, endMs)
      if (!cursor.isDone) return null
    }
    return drainMerged(cursors)
  }

  async *query(
    filters: readonly Filter[],
    context: ReadContext,
  ): AsyncGenerator<Result<readonly ServedEvent[]>, void, undefined> {
    const view = this.#fresh()
    if (view === null) return yield* this.#parts.below.query(filters, context)
    // `answerNow` may have had its slice in this turn.
    await nextTurn()
    const cursors = filters.map((filter) => new FilterCursor(filter))
    while (cursors.some((cursor) => !cursor.isDone)) {
      const open = cursors.filter((cursor) => !cursor.isDone)
      const moved = await this.#advance(open, view, context)
      if (context.signal?.aborted) return
      if (!moved.ok) return yield moved
      const found = drainMerged(cursors)
      if (found.length > 0) yield ok(found)
    }
  }

  async lookup(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ServedEvent>>> {
    const { overlay, below } = this.#parts
    const serving = this.#fresh()
    if (serving === null) return below.lookup(ids)
    const found = new Map<string, ServedEvent>()
    const missing: string[] = []
    for (const id of ids) {
      const entry = overlay.get(id)
      const served = entry === undefined ? serving.find(id) : bodyOfEntry(entry)
      if (served !== undefined) found.set(id, served)
      else missing.push(id)
    }
    // Superseded versions are in the store alone, as is everything below the horizon.
    if (missing.length === 0) return ok(found)
    const stored = await below.lookup(missing)
    return stored.ok ? ok(new Map([...found, ...stored.value])) : stored
  }

  async currentVersions(addresses: readonly string[]): Promise<Result<ReadonlyMap<string, CurrentVersion>>> {
    const serving = this.#fresh()
    if (serving === null) return this.#parts.below.currentVersions(addresses)
    const current = new Map<string, CurrentVersion>()
    const doubtful: string[] = []
    using overlay = this.#parts.overlay.open()
    for (const address of addresses) {
      const held = versionInView(serving, parseAddress(address), this.#parts.tombstones)
      if (held === 'in-doubt') {
        doubtful.push(address)
        continue
      }
      const newest = newerVersion(this.#overlayWinner(overlay, address), held)
      if (newest !== undefined) current.set(address, newest)
    }
    if (doubtful.length === 0) return ok(current)
    const stored = await this.#parts.below.currentVersions(doubtful)
    return stored.ok ? ok(new Map([...current, ...stored.value])) : stored
  }

  /** The view as of its last transaction; null while it must not answer. What left the overlay before is in it. */
  #fresh(): ViewReader | null {
    const { view, overlay } = this.#parts
    const serving = overlay.followsView ? view() : null
    serving?.refresh()
    return serving
  }

  #endOfSlice(): number {
    return performance.now() + this.#parts.limits.sliceMs
  }

  async #advance(
    cursors: readonly FilterCursor[],
    view: ViewReader,
    context: ReadContext,
  ): Promise<Result<void>> {
    view.refresh()
    const below: FilterCursor[] = []
    const endMs = this.#endOfSlice()
    for (const cursor of cursors) {
      if (!isAbove(cursor, view)) below.push(cursor)
      else if (performance.now() <= endMs || cursor === cursors[0])
        this.#readView(cursor, view, context, endMs)
    }
    if (below.length === 0) {
      if (cursors.some(({ isDone }) => !isDone)) await nextTurn()
      return ok(undefined)
    }
    this.#parts.onBelow?.()
    return this.#readBelow(below, view, context, endMs)
  }

  /**
   * One page from overlay and view, down to the horizon at most.
   *
   * @param isBeside the store is asked as well: then what the view has below the horizon counts too
   */
  #readView(
    cursor: FilterCursor,
    view: ViewReader,
    context: ReadContext,
    endMs: number,
    isBeside = false,
  ): void {
    const { limits, tombstones } = this.#parts
    const { filter, after } = cursor
    const rowsMax = Math.min(cursor.left, limits.pageRowsMax)
    using overlay = this.#parts.overlay.open()
    const sliceMs = Math.max(0, endMs - performance.now())
    const bounds = { eventsMax: rowsMax, bytesMax: limits.pageBytesMax, sliceMs }
    const from = after === null ? null : bytesOf(after)
    const page = view.page(filter, from, context, bounds, this.#parts.isBehind?.(view))
    const horizon = isBeside ? null : view.horizonFor(filter)
    let endsAt = page.endsAt ?? horizon
    if (endsAt !== null && horizon !== null && isAfter(endsAt, horizon)) endsAt = horizon
    if (overlay.isEmpty && horizon === null) {
      cursor.take(page.events, endsAt === null ? null : hexOf(endsAt))
      return
    }
    const visibility = visibilityFor(context, tombstones)
    const pending = overlay.page(filter, after, rowsMax, visibility)
    const end = earlier(endsAt === null ? null : hexOf(endsAt), endOf(pending))
    const entries = pending.entries.filter(({ address, event }) => {
      const held = address === null ? undefined : versionInView(view, parseAddress(address), tombstones)
      // The store may have a newer one that the view no longer names; asked anyway, it has the overlay's as well.
      return held === 'in-doubt' ? !isBeside : !isSuperseded(event, held)
    })
    const events = page.events.filter((event) => !this.#isSupersededIn(overlay, event))
    const found = joined([...entries.map(bodyOfEntry), ...events], end)
    // Nothing is left to be asked below the horizon when every id asked for is here.
    const isWhole = after === null && filter.ids !== undefined && found.length === filter.ids.length
    cursor.take(found, isWhole ? null : end)
  }

  /**
   * Below the horizon the store answers. The view does beside it where it has more than its horizon says: addresses in doubt
   * send a filter to the store from the start, and of two classes of events one reaches further down. It is read before the store is
   * asked, because what leaves it meanwhile was stored before.
   */
  async #readBelow(
    cursors: readonly FilterCursor[],
    view: ViewReader,
    context: ReadContext,
    endMs: number,
  ): Promise<Result<void>> {
    const reads = cursors.map((cursor) => {
      const isBeside = view.isInDoubt(cursor.filter) || view.reachesBelowHorizon(cursor.filter)
      const beside = isBeside ? cursor.fork() : null
      if (beside !== null) this.#readView(beside, view, context, endMs, true)
      return { cursor, beside, stored: cursor.fork() }
    })
    const moved = await this.#parts.below.advance(
      reads.map(({ stored }) => stored),
      context,
    )
    if (!moved.ok) return moved
    view.refresh()
    for (const { cursor, beside, stored } of reads) {
      const end = beside === null ? stored.after : earlier(beside.after, stored.after)
      // What the store does not know yet of versions, the view does.
      const { tombstones } = this.#parts
      const found = stored.drain(null).filter((served) => !isSupersededInView(view, served, tombstones))
      cursor.take(joined([...(beside?.drain(null) ?? []), ...found], end), end)
    }
    return ok(undefined)
  }

  #isSupersededIn(overlay: OverlayView, served: ServedEvent): boolean {
    if (overlay.isEmpty || !isVersionedKind(served.kind)) return false
    const event = new RowEvent(served)
    const address = addressOf(event)
    if (address === null) return false
    const newest = overlay.winner(address, (version) => !this.#parts.tombstones.covers(version))
    return newest !== undefined && isNewerVersion(newest.event, event)
  }

  #overlayWinner(overlay: OverlayView, address: string): CurrentVersion | undefined {
    const counts = (event: NostrEvent) => !this.#parts.tombstones.covers(event)
    const entry = overlay.winner(address, counts)
    return entry === undefined ? undefined : { id: entry.id, createdAt: entry.createdAt }
  }
}

/** Whether the view can tell what comes next. */
function isAbove({ filter, after }: FilterCursor, view: ViewReader): boolean {
  if (view.isInDoubt(filter)) return false
  const horizon = view.horizonFor(filter)
  return horizon === null || after === null || comparePositions(after, hexOf(horizon)) < 0
}

type BytesPosition = NonNullable<ReturnType<ViewReader['horizonFor']>>

const hexOf = ({ createdAt, id }: BytesPosition): Position => ({ createdAt, id: id.toString('hex') })

const bytesOf = ({ createdAt, id }: Position): BytesPosition => ({
  createdAt,
  id: Buffer.from(id === '' ? '0'.repeat(64) : id, 'hex'),
})

const isAfter = (a: BytesPosition, b: BytesPosition): boolean =>
  a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id.compare(b.id) > 0)

const endOf = ({ entries, isCut }: OverlayPage): Position | null => (isCut ? (entries.at(-1) ?? null) : null)

function earlier(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b
  return comparePositions(a, b) <= 0 ? a : b
}

function joined(events: ServedEvent[], endsAt: Position | null): ServedEvent[] {
  const all = events.sort(comparePositions)
  return all.filter(
    (event, index) =>
      event.id !== all[index - 1]?.id && (endsAt === null || comparePositions(event, endsAt) <= 0),
  )
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
