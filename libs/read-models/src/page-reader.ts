import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import { isTooLarge } from './bodies/body-sql.ts'
import type { EventBodies } from './bodies/event-bodies.ts'
import { bodyOfEntry, type EventBody } from './bodies/event-body.ts'
import type { ReadContext, ServedEvent } from './event-reader.ts'
import type { FilterCursor } from './filter-cursor.ts'
import { Gather } from './gather.ts'
import { answerLocally } from './local-ids.ts'
import type { Overlay } from './overlay/overlay.ts'
import type { OverlayEntry } from './overlay/overlay-entry.ts'
import type { OverlayPage, OverlayView, Visibility } from './overlay/overlay-view.ts'
import { earlierEnd } from './position.ts'
import { endOfOverlay, joinServed } from './served-page.ts'
import type { PageRequest } from './sql/filter-sql.ts'
import { type Address, parseAddress, type StoreRequest } from './sql/statement.ts'
import { type FoundKey, type KeyPage, readKeys, type StoreAnswer } from './sql/stored-keys.ts'
import { isBodyVisible, isSuperseded, visibilityFor } from './visibility.ts'

/** Names, among events of the store, those that must not be shown although the tombstones in memory allow it. */
export type ErasedIds = (
  events: readonly ServedEvent[],
  signal: AbortSignal,
) => Promise<Result<ReadonlySet<string>>>

export interface PageReaderParts {
  readonly clickhouse: ClickHouse
  readonly bodies: EventBodies
  readonly overlay: Overlay
  readonly tombstones: TombstoneSet
  readonly erasedIds: ErasedIds
}

export interface PageReaderLimits {
  /** Statements for keys under way at once; more reads than that share statements. */
  readonly statementsMax: number
  /** Filters in one statement. */
  readonly statementFiltersMax: number
  readonly readsWaitingMax: number
  /** Events of one filter in one round. */
  readonly pageRowsMax: number
}

/** What one filter gets in one round, before the store's part of it is known. */
interface Draft {
  readonly cursor: FilterCursor
  readonly rowsMax: number
  readonly overlayPage: OverlayPage
  readonly local: readonly EventBody[]
  /** null: memory has all of it. */
  readonly request: PageRequest | null
}

const EMPTY: KeyPage = { keys: [], endsAt: null }
const PAGE_SHRINK_FACTOR = 8

/** Reads the next page of several filters at once: overlay, then one statement for keys, then the events behind them. */
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
    // The overlay as it is before ClickHouse is asked: what leaves it meanwhile is in the answer or stays in the view.
    using view = this.#parts.overlay.open()
    const visibility = visibilityFor(context, this.#parts.tombstones)
    const drafts = cursors
      .filter((cursor) => !cursor.isDone)
      .map((cursor) => this.#draft(cursor, Math.min(cursor.left, pageRowsMax), context, view, visibility))
    const answer = await this.#ask(drafts, signal)
    if (!answer.ok) return answer
    const verified = await this.#verify(answer.value.pages, signal)
    if (!verified.ok) return verified
    const stored = await this.#bodiesOf(verified.value, signal)
    if (!stored.ok) return stored
    const erased = await this.#erased(
      [...stored.value.values(), ...drafts.flatMap(({ local }) => local)],
      signal,
    )
    if (!erased.ok) return erased
    const isVisible = (body: EventBody): boolean =>
      !erased.value.has(body.id) && isBodyVisible(body, context, this.#parts.tombstones, view)
    const pages = [...verified.value]
    for (const { cursor, request, overlayPage, local } of drafts) {
      const page = request === null ? EMPTY : (pages.shift() ?? EMPTY)
      const endsAt = earlierEnd(endOfOverlay(overlayPage), page.endsAt)
      const entries = overlayPage.entries.filter(
        (entry) => !isSuperseded(entry, answer.value.versions, this.#parts.tombstones),
      )
      const bodies = page.keys.map(({ id }) => stored.value.get(id)).filter((body) => body !== undefined)
      const visible = [...bodies, ...local].filter(isVisible)
      cursor.take(joinServed([...entries.map(bodyOfEntry), ...visible], endsAt), endsAt)
    }
    return ok(undefined)
  }

  #draft(
    cursor: FilterCursor,
    rowsMax: number,
    context: ReadContext,
    view: OverlayView,
    visibility: Visibility,
  ): Draft {
    const { filter, after } = cursor
    const overlayPage = view.page(filter, after, rowsMax, visibility)
    const { bodies, rest } = answerLocally(filter, after, view, this.#parts.bodies)
    const request = rest === null ? null : { filter: rest, after, context, rowsMax }
    return { cursor, rowsMax, overlayPage, local: bodies, request }
  }

  async #ask(drafts: readonly Draft[], signal: AbortSignal): Promise<Result<StoreAnswer>> {
    const pages = drafts.map(({ request }) => request).filter((request) => request !== null)
    const addresses = addressesOf(drafts.flatMap(({ overlayPage }) => overlayPage.entries))
    if (pages.length === 0 && addresses.length === 0) return ok({ pages: [], versions: new Map() })
    return this.#gather.ask({ pages, addresses }, Math.max(1, pages.length), signal)
  }

  /** Leaves out the versions that are not their address's winner. */
  async #verify(pages: readonly KeyPage[], signal: AbortSignal): Promise<Result<readonly KeyPage[]>> {
    const addresses = new Set(pages.flatMap(({ keys }) => keys.map((key) => key.unverifiedAddress)))
    addresses.delete(null)
    if (addresses.size === 0) return ok(pages)
    const winners = await this.versions([...addresses].filter((a) => a !== null).map(parseAddress), signal)
    if (!winners.ok) return winners
    const isCurrent = ({ id, unverifiedAddress }: FoundKey): boolean =>
      unverifiedAddress === null || winners.value.get(unverifiedAddress)?.id === id
    return ok(pages.map(({ keys, endsAt }) => ({ keys: keys.filter(isCurrent), endsAt })))
  }

  async #bodiesOf(
    pages: readonly KeyPage[],
    signal: AbortSignal,
  ): Promise<Result<ReadonlyMap<string, EventBody>>> {
    const keys = new Map(pages.flatMap((page) => page.keys).map((key) => [key.id, key]))
    return this.#parts.bodies.read([...keys.values()], signal)
  }

  async #erased(bodies: readonly EventBody[], signal: AbortSignal): Promise<Result<ReadonlySet<string>>> {
    return bodies.length === 0 ? ok(new Set()) : this.#parts.erasedIds(bodies, signal)
  }
}

async function readTogether(
  clickhouse: ClickHouse,
  requests: readonly StoreRequest[],
  signal: AbortSignal,
): Promise<Result<readonly StoreAnswer[]>> {
  const merged = {
    pages: requests.flatMap((request) => request.pages),
    addresses: requests.flatMap((request) => request.addresses),
  }
  const answer = await readKeys(clickhouse, merged, signal)
  if (!answer.ok) return answer
  const pages = [...answer.value.pages]
  const { versions } = answer.value
  return ok(requests.map((request) => ({ pages: pages.splice(0, request.pages.length), versions })))
}

const addressesOf = (entries: readonly OverlayEntry[]): Address[] => {
  const addresses = new Set(entries.map((entry) => entry.address).filter((address) => address !== null))
  return [...addresses].map(parseAddress)
}
