import { setImmediate as nextTurn } from 'node:timers/promises'
import { Arena, type Keep, type ScanLimits, type ViewReader } from '@millrace/event-store'
import { ok, type Result } from '@millrace/kernel'
import { addressOf, type Filter, isNewerVersion, type NostrEvent } from '@millrace/nostr'
import { bodyOfEntry } from '../bodies/event-body.ts'
import type { CurrentVersion, EventReader, ReadContext, ServedEvent, TakeServed } from '../event-reader.ts'
import { drainMerged, FilterCursor } from '../filter-cursor.ts'
import type { OverlayView } from '../overlay/overlay-view.ts'
import { hungryPartsOf, isWide, partedAnswers } from '../parted-answer.ts'
import { comparePositions, earlierEnd } from '../position.ts'
import { RowEvent } from '../row-event.ts'
import { endOfOverlay, joinServed } from '../served-page.ts'
import { isVersionedKind } from '../sql/kind-class.ts'
import { parseAddress } from '../sql/statement.ts'
import { visibilityFor } from '../visibility.ts'
import { bytesOf, hexOf, isAbove, isAfter } from './view-positions.ts'
import { isSuperseded, isSupersededInView, newerVersion, versionInView } from './view-versions.ts'
import type { ViewedReaderParts } from './viewed-reader-parts.ts'

const PAGE_BYTES_MIN = 256 * 1024

interface PageOptions {
  /** Whether the store is asked as well: then what the view has below the horizon counts too. */
  readonly isBeside?: boolean
  /** Where its events lie; absent: in memory of their own. */
  readonly keep?: Keep
  readonly bytesMax?: number
}

/**
 * Overlay, serving view and, below the view's horizon, ClickHouse as one EventReader (DESIGN 3). A page reads overlay and
 * view in one turn of the event loop, overlay first: what leaves the overlay is in the view by then.
 */
export class ViewedReader implements EventReader {
  readonly #parts: ViewedReaderParts
  /** What `answerNow` puts together before it hands it over. */
  readonly #arena = new Arena()

  constructor(parts: ViewedReaderParts) {
    this.#parts = parts
  }

  /** Hands over the whole answer if overlay and view have it within one slice of time; else false, and `query` is to be asked. */
  answerNow(filters: readonly Filter[], context: ReadContext, take: TakeServed): boolean {
    const { pageRowsMax, scanValuesMax } = this.#parts.limits
    const view = this.#fresh()
    if (view === null || filters.some((filter) => isWide(filter, scanValuesMax))) return false
    const endMs = this.#endOfSlice()
    const cursors = filters.map((filter) => new FilterCursor(filter))
    const [only] = cursors
    if (only !== undefined && cursors.length === 1 && this.#isForViewAlone(only, view, context))
      return this.#handOver(only, view, context, endMs, take)
    if (cursors.some(({ left }) => left > pageRowsMax)) return false
    this.#arena.reset()
    for (const cursor of cursors) {
      if (cursor.isDone) continue
      if (!isAbove(cursor, view) || performance.now() > endMs) return false
      this.#readView(cursor, view, context, endMs, { keep: this.#arena.copy })
      if (!cursor.isDone) return false
    }
    for (const event of drainMerged(cursors)) take(event)
    return true
  }

  /** Whether neither the overlay nor the store has anything to say to a filter. */
  #isForViewAlone({ filter, left }: FilterCursor, view: ViewReader, context: ReadContext): boolean {
    const { limits, tombstones, overlay } = this.#parts
    if (left > limits.pageRowsMax || view.isInDoubt(filter) || view.horizonFor(filter) !== null) return false
    using pending = overlay.open()
    if (pending.isEmpty) return true
    // A newer version in the overlay may hide one of the view without matching the filter itself.
    if (filter.kinds === undefined || filter.kinds.some(isVersionedKind)) return false
    return pending.page(filter, null, 1, visibilityFor(context, tombstones)).entries.length === 0
  }

  /** One page of the view as it lies there: nothing is copied or kept. */
  #handOver(
    { filter, left, isDone }: FilterCursor,
    view: ViewReader,
    context: ReadContext,
    endMs: number,
    take: TakeServed,
  ): boolean {
    if (isDone) return true
    let events = 0
    const count = (event: ServedEvent) => {
      events++
      take(event)
    }
    const endsAt = view.each(
      filter,
      null,
      context,
      this.#pageLimits(left, endMs),
      this.#isBehind(view),
      count,
    )
    return endsAt === null || events === left
  }

  async *query(
    filters: readonly Filter[],
    context: ReadContext,
  ): AsyncGenerator<Result<readonly ServedEvent[]>, void, undefined> {
    const view = this.#fresh()
    if (view === null) return yield* this.#parts.below.query(filters, context)
    const answers = partedAnswers(filters, this.#parts.limits.scanValuesMax)
    const wholes = answers.map(({ whole }) => whole)
    const bytesMax = this.#bytesOfPage(answers.reduce((parts, { count }) => parts + count, 0))
    while (wholes.some((whole) => !whole.isDone)) {
      // `answerNow` or the last page may have had its slice in this turn.
      await nextTurn()
      const moved = await this.#advance(hungryPartsOf(answers), view, context, bytesMax)
      if (context.signal?.aborted) return
      if (!moved.ok) return yield moved
      for (const answer of answers) answer.gather()
      const found = drainMerged(wholes)
      if (found.length > 0) yield ok(found)
    }
  }

  isKnownNow({ id, created_at: createdAt }: Pick<NostrEvent, 'id' | 'created_at'>): boolean | null {
    const view = this.#fresh()
    if (view === null) return null
    if (this.#parts.overlay.has(id) || view.find(id) !== undefined) return true
    const { horizon } = view.state.regular
    return horizon === null || comparePositions({ createdAt, id }, hexOf(horizon)) <= 0 ? false : null
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

  #pageLimits(eventsMax: number, endMs: number, bytesMax = this.#parts.limits.pageBytesMax): ScanLimits {
    return { eventsMax, bytesMax, sliceMs: Math.max(0, endMs - performance.now()) }
  }

  /** Each part of a REQ may hold a page, and pages that are too small find the same lists again and again. */
  #bytesOfPage(parts: number): number {
    return Math.max(this.#parts.limits.pageBytesMax / parts, PAGE_BYTES_MIN)
  }

  /** Whether every event of the view is to be compared with the tombstones. */
  #isBehind(view: ViewReader): boolean {
    return this.#parts.isBehind?.(view) ?? false
  }

  #endOfSlice(): number {
    return performance.now() + this.#parts.limits.sliceMs
  }

  async #advance(
    cursors: readonly FilterCursor[],
    view: ViewReader,
    context: ReadContext,
    bytesMax: number,
  ): Promise<Result<void>> {
    view.refresh()
    const below: FilterCursor[] = []
    const endMs = this.#endOfSlice()
    for (const cursor of cursors) {
      if (!isAbove(cursor, view)) below.push(cursor)
      else if (performance.now() <= endMs || cursor === cursors[0])
        this.#readView(cursor, view, context, endMs, { bytesMax })
    }
    if (below.length === 0) return ok(undefined)
    this.#parts.onBelow?.()
    return this.#readBelow(below, view, context, endMs, bytesMax)
  }

  /** One page from overlay and view, down to the horizon at most. */
  #readView(
    cursor: FilterCursor,
    view: ViewReader,
    context: ReadContext,
    endMs: number,
    { isBeside = false, keep, bytesMax }: PageOptions = {},
  ): void {
    const { limits, tombstones } = this.#parts
    const { filter, after } = cursor
    const rowsMax = Math.min(cursor.left, limits.pageRowsMax)
    using overlay = this.#parts.overlay.open()
    const from = after === null ? null : bytesOf(after)
    const bounds = this.#pageLimits(rowsMax, endMs, bytesMax)
    const page = view.page(filter, from, context, bounds, this.#isBehind(view), keep)
    const horizon = isBeside ? null : view.horizonFor(filter)
    let endsAt = page.endsAt ?? horizon
    if (endsAt !== null && horizon !== null && isAfter(endsAt, horizon)) endsAt = horizon
    if (overlay.isEmpty && horizon === null) {
      cursor.take(page.events, endsAt === null ? null : hexOf(endsAt))
      return
    }
    const visibility = visibilityFor(context, tombstones)
    const pending = overlay.page(filter, after, rowsMax, visibility)
    const end = earlierEnd(endsAt === null ? null : hexOf(endsAt), endOfOverlay(pending))
    const entries = pending.entries.filter(({ address, event }) => {
      const held = address === null ? undefined : versionInView(view, parseAddress(address), tombstones)
      // Above the horizon it rules. Where the store is asked as well, it may have a newer one, and the overlay's too.
      return held === 'in-doubt' ? !isBeside : !isSuperseded(event, held)
    })
    const events = page.events.filter((event) => !this.#isSupersededIn(overlay, event))
    const found = joinServed([...entries.map(bodyOfEntry), ...events], end)
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
    bytesMax: number,
  ): Promise<Result<void>> {
    const reads = cursors.map((cursor) => {
      const isBeside = view.isInDoubt(cursor.filter) || view.reachesBelowHorizon(cursor.filter)
      const beside = isBeside ? cursor.fork() : null
      if (beside !== null) this.#readView(beside, view, context, endMs, { isBeside: true, bytesMax })
      return { cursor, beside, stored: cursor.fork() }
    })
    const moved = await this.#parts.below.advance(
      reads.map(({ stored }) => stored),
      context,
    )
    if (!moved.ok) return moved
    view.refresh()
    for (const { cursor, beside, stored } of reads) {
      const end = beside === null ? stored.after : earlierEnd(beside.after, stored.after)
      // What the store does not know yet of versions, the view does.
      const { tombstones } = this.#parts
      const found = stored.drain(null).filter((served) => !isSupersededInView(view, served, tombstones))
      cursor.take(joinServed([...(beside?.drain(null) ?? []), ...found], end), end)
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
