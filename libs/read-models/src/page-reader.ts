import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { ReadContext, ServedEvent } from './event-reader.ts'
import type { FilterCursor } from './filter-cursor.ts'
import { Gather } from './gather.ts'
import type { Overlay } from './overlay/overlay.ts'
import type { OverlayEntry } from './overlay/overlay-entry.ts'
import type { OverlayPage, OverlayView } from './overlay/overlay-view.ts'
import { comparePositions, type Position } from './position.ts'
import { type Address, parseAddress, type StoreRequest } from './sql/statement.ts'
import { isTooLarge, readStored, type StoreAnswer, type StoredPage } from './sql/stored-events.ts'
import { isRowVisible, isSuperseded, visibilityFor } from './visibility.ts'

/** Names, among rows of the store, the ids that must not be shown although the tombstones in memory allow it. */
export type ErasedIds = (
  rows: readonly ServedEvent[],
  signal: AbortSignal,
) => Promise<Result<ReadonlySet<string>>>

export interface PageReaderParts {
  readonly clickhouse: ClickHouse
  readonly overlay: Overlay
  readonly tombstones: TombstoneSet
  readonly erasedIds: ErasedIds
}

export interface PageReaderLimits {
  /** Statements under way at once; more reads than that share statements. */
  readonly statementsMax: number
  /** Filters in one statement. */
  readonly statementFiltersMax: number
  readonly readsWaitingMax: number
  /** Events of one filter in one round. */
  readonly pageRowsMax: number
}

const EMPTY: StoredPage = { rows: [], endsAt: null }
const PAGE_SHRINK_FACTOR = 8

/** Reads the next page of several filters at once: overlay first, then one statement, then what both together mean. */
export class PageReader {
  readonly #parts: PageReaderParts
  readonly #limits: PageReaderLimits
  readonly #gather: Gather<StoreRequest, StoreAnswer>

  constructor(parts: PageReaderParts, limits: PageReaderLimits) {
    this.#parts = parts
    this.#limits = limits
    this.#gather = new Gather((requests, signal) => readTogether(parts.clickhouse, requests, signal), {
      runningMax: limits.statementsMax,
      batchWeightMax: limits.statementFiltersMax,
      waitingMax: limits.readsWaitingMax,
    })
  }

  /** Moves every cursor that is not done by at least one position. */
  async advance(
    cursors: readonly FilterCursor[],
    context: ReadContext,
    signal: AbortSignal,
  ): Promise<Result<void>> {
    let pageRowsMax = this.#limits.pageRowsMax
    while (true) {
      const moved = await this.#tryAdvance(cursors, context, pageRowsMax, signal)
      if (moved.ok || !isTooLarge(moved.fault) || pageRowsMax === 1) return moved
      pageRowsMax = Math.max(1, Math.floor(pageRowsMax / PAGE_SHRINK_FACTOR))
    }
  }

  /** The stored winners of addresses, sharing statements with everybody else. */
  async versions(
    addresses: readonly Address[],
    signal: AbortSignal,
  ): Promise<Result<StoreAnswer['versions']>> {
    const answer = await this.#gather.ask({ pages: [], addresses }, 1, signal)
    return answer.ok ? ok(answer.value.versions) : answer
  }

  async #tryAdvance(
    cursors: readonly FilterCursor[],
    context: ReadContext,
    pageRowsMax: number,
    signal: AbortSignal,
  ): Promise<Result<void>> {
    const open = cursors.filter((cursor) => !cursor.isDone)
    // The overlay as it is before ClickHouse is asked: what leaves it meanwhile is in the answer or stays in the view.
    using view = this.#parts.overlay.open()
    const visibility = visibilityFor(context, this.#parts.tombstones)
    const overlayPages = open.map((cursor) =>
      view.page(cursor.filter, cursor.after, Math.min(cursor.left, pageRowsMax), visibility),
    )
    const asked = open.map((cursor) => !isWithinOverlay(cursor, view))
    const pages = open
      .filter((_, index) => asked[index])
      .map(({ filter, after, left }) => ({ filter, after, context, rowsMax: Math.min(left, pageRowsMax) }))
    const addresses = addressesOf(overlayPages.flatMap((page) => page.entries))
    const answer = await this.#ask({ pages, addresses }, signal)
    if (!answer.ok) return answer
    const stored = [...answer.value.pages]
    const erased = await this.#erased(stored, signal)
    if (!erased.ok) return erased
    open.forEach((cursor, index) => {
      const storedPage = asked[index] ? (stored.shift() ?? EMPTY) : EMPTY
      const overlayPage = overlayPages[index] as OverlayPage
      const endsAt = earlier(endOf(overlayPage), storedPage.endsAt)
      const rows = storedPage.rows.filter(
        (row) => !erased.value.has(row.id) && isRowVisible(row, context, this.#parts.tombstones, view),
      )
      const entries = overlayPage.entries.filter(
        (entry) => !isSuperseded(entry, answer.value.versions, this.#parts.tombstones),
      )
      cursor.take(joined(entries, rows, endsAt), endsAt)
    })
    return ok(undefined)
  }

  async #ask(request: StoreRequest, signal: AbortSignal): Promise<Result<StoreAnswer>> {
    if (request.pages.length === 0 && request.addresses.length === 0)
      return ok({ pages: [], versions: new Map() })
    return this.#gather.ask(request, Math.max(1, request.pages.length), signal)
  }

  async #erased(pages: readonly StoredPage[], signal: AbortSignal): Promise<Result<ReadonlySet<string>>> {
    const rows = pages.flatMap((page) => page.rows)
    return rows.length === 0 ? ok(new Set()) : this.#parts.erasedIds(rows, signal)
  }
}

async function readTogether(
  ch: ClickHouse,
  requests: readonly StoreRequest[],
  signal: AbortSignal,
): Promise<Result<readonly StoreAnswer[]>> {
  const answer = await readStored(
    ch,
    {
      pages: requests.flatMap((request) => request.pages),
      addresses: requests.flatMap((request) => request.addresses),
    },
    { signal },
  )
  if (!answer.ok) return answer
  const pages = [...answer.value.pages]
  return ok(
    requests.map((request) => ({
      pages: pages.splice(0, request.pages.length),
      versions: answer.value.versions,
    })),
  )
}

/** A filter by ids that are all here needs nothing from the store. */
const isWithinOverlay = ({ filter }: FilterCursor, view: OverlayView): boolean =>
  filter.ids?.every((id) => view.get(id) !== undefined) ?? false

const addressesOf = (entries: readonly OverlayEntry[]): Address[] => {
  const addresses = new Set(entries.map((entry) => entry.address).filter((address) => address !== null))
  return [...addresses].map(parseAddress)
}

function endOf({ entries, isCut }: OverlayPage): Position | null {
  return isCut ? (entries.at(-1) ?? null) : null
}

function earlier(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b
  return comparePositions(a, b) <= 0 ? a : b
}

function joined(
  entries: readonly OverlayEntry[],
  rows: readonly ServedEvent[],
  endsAt: Position | null,
): ServedEvent[] {
  const all = [...entries.map(servedOf), ...rows].sort(comparePositions)
  return all.filter(
    (event, index) =>
      event.id !== all[index - 1]?.id && (endsAt === null || comparePositions(event, endsAt) <= 0),
  )
}

export const servedOf = ({ event, json, partition, offset }: OverlayEntry): ServedEvent => ({
  id: event.id,
  pubkey: event.pubkey,
  kind: event.kind,
  createdAt: event.created_at,
  json,
  partition,
  offset,
})
