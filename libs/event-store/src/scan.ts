import { type Filter, GUARDED_KINDS } from '@millrace/nostr'
import { ListCursor } from './list-cursor.ts'
import { MergedCursor } from './merged-cursor.ts'
import { planOf } from './plan.ts'
import { comparePositions, type IdOf, type Position } from './postings.ts'
import { StoredEvent, tagValueKey } from './stored-event.ts'
import { readId, readRecord, sequenceOfId, type Tables } from './tables.ts'

/** Who asks, and when. */
export interface ScanContext {
  /** Pubkeys the asker authenticated as (NIP-42). */
  readonly authedPubkeys: ReadonlySet<string>
  /** Seconds since the Unix epoch. */
  readonly nowS: number
  /** What a tombstone covers that is not applied yet; absent: none is. */
  readonly isErased?: ((event: StoredEvent) => boolean) | undefined
}

export interface ScanPage {
  /** In served order. */
  readonly events: readonly StoredEvent[]
  /** The page is complete up to here, this position included; null: there is nothing after it. */
  readonly endsAt: Position | null
}

export interface ScanLimits {
  readonly eventsMax: number
  /** The page is cut after the event that reaches it, bytes of records. */
  readonly bytesMax: number
  /** Longest time before the page is cut, milliseconds: nobody else runs meanwhile. */
  readonly sliceMs: number
}

/** Entries between two looks at the clock. */
const CLOCK_EVERY = 64

/** The next matches of a filter after a position. Guards, expiry and pending tombstones apply before the cut. */
export function scan(
  tables: Tables,
  filter: Filter,
  after: Position | null,
  context: ScanContext,
  limits: ScanLimits,
): ScanPage {
  const lists = [filter.ids, filter.authors, filter.kinds, ...Object.values(filter.tags)]
  if (lists.some((list) => list?.length === 0)) return { events: [], endsAt: null }
  const checks = new Checks(filter, context)
  if (filter.ids !== undefined) return scanIds(tables, filter.ids, after, checks, limits)
  return scanLists(tables, filter, after, checks, limits)
}

/** By id there are at most as many as were asked for: all are read, then cut. */
function scanIds(
  tables: Tables,
  ids: readonly string[],
  after: Position | null,
  checks: Checks,
  { eventsMax, bytesMax }: ScanLimits,
): ScanPage {
  const events: { event: StoredEvent; position: Position }[] = []
  for (const id of ids) {
    const bytes = Buffer.from(id, 'hex')
    const sequence = sequenceOfId(tables, bytes)
    if (sequence === undefined) continue
    const event = new StoredEvent(readRecord(tables, sequence))
    const position = { createdAt: event.createdAt, id: bytes }
    if (after !== null && comparePositions(position, after) <= 0) continue
    if (checks.passes(event, true)) events.push({ event, position })
  }
  events.sort((a, b) => comparePositions(a.position, b.position))
  let bytes = 0
  const isWithin = ({ event }: { event: StoredEvent }, index: number): boolean => {
    const isFirst = index === 0 || (bytes < bytesMax && index < eventsMax)
    bytes += event.record.length
    return isFirst
  }
  const page = events.filter(isWithin)
  return {
    events: page.map(({ event }) => event),
    endsAt: events.length > page.length ? (page.at(-1)?.position ?? null) : null,
  }
}

function scanLists(
  tables: Tables,
  filter: Filter,
  after: Position | null,
  checks: Checks,
  { eventsMax, bytesMax, sliceMs }: ScanLimits,
): ScanPage {
  const plan = planOf(tables.postings, filter)
  const idOf: IdOf = (sequence) => readId(tables, sequence)
  const from = startOf(filter, after)
  const merged = new MergedCursor(plan.lists.map((list) => new ListCursor(tables.postings, list, idOf, from)))
  checks.setPlan(plan)
  const sinceS = filter.since ?? 0
  const deadlineMs = performance.now() + sliceMs
  const events: StoredEvent[] = []
  let bytes = 0
  for (let read = 1; ; read++) {
    const entry = merged.current
    if (entry === undefined || entry.createdAt < sinceS) return { events, endsAt: null }
    if (plan.kinds === null || plan.kinds.has(entry.kind)) {
      const event = new StoredEvent(readRecord(tables, entry.sequence))
      const isAtStart = after !== null && event.createdAt === after.createdAt && event.isId(after.id)
      if (!isAtStart && checks.passes(event, false)) {
        events.push(event)
        bytes += event.record.length
        if (events.length === eventsMax || bytes >= bytesMax) return { events, endsAt: positionOf(event) }
      }
    }
    if (read % CLOCK_EVERY === 0 && performance.now() > deadlineMs)
      return { events, endsAt: { createdAt: entry.createdAt, id: Buffer.from(entry.id()) } }
    merged.next()
  }
}

/** The first position wanted: after the given one, and not later than `until`. */
function startOf({ until }: Filter, after: Position | null): Position | null {
  const newest = until === undefined ? null : { createdAt: until, id: LOWEST_ID }
  if (after === null || newest === null) return after ?? newest
  return comparePositions(after, newest) > 0 ? after : newest
}

const LOWEST_ID = Buffer.alloc(32)

const positionOf = (event: StoredEvent): Position => ({
  createdAt: event.createdAt,
  id: Buffer.from(event.id, 'hex'),
})

/** What the lists do not decide about an event. */
class Checks {
  readonly #filter: Filter
  readonly #context: ScanContext
  #authors: ReadonlySet<string> | null
  #kinds: ReadonlySet<number> | null
  #tags: readonly { letter: string; values: ReadonlySet<string> }[]

  constructor(filter: Filter, context: ScanContext) {
    this.#filter = filter
    this.#context = context
    this.#authors = null
    this.#kinds = null
    this.#tags = []
    if (filter.ids !== undefined)
      this.setPlan({ checksAuthors: filter.authors !== undefined, letters: Object.keys(filter.tags) })
    if (filter.ids !== undefined && filter.kinds !== undefined) this.#kinds = new Set(filter.kinds)
  }

  setPlan({ checksAuthors, letters }: { checksAuthors: boolean; letters: readonly string[] }): void {
    this.#authors = checksAuthors ? new Set(this.#filter.authors) : null
    this.#tags = letters.map((letter) => ({
      letter,
      values: new Set((this.#filter.tags[letter] ?? []).map(tagValueKey)),
    }))
  }

  passes(event: StoredEvent, checksTime: boolean): boolean {
    const { nowS, isErased } = this.#context
    if (this.#kinds !== null && !this.#kinds.has(event.kind)) return false
    if (checksTime && !this.#isInTime(event.createdAt)) return false
    const { expirationS } = event
    if (expirationS !== null && expirationS <= nowS) return false
    if (this.#authors !== null && !this.#authors.has(event.pubkey)) return false
    for (const { letter, values } of this.#tags) if (!event.hasTag(letter, values)) return false
    if (!this.#mayRead(event)) return false
    return isErased === undefined || !isErased(event)
  }

  #isInTime(createdAt: number): boolean {
    const { since = 0, until = Number.MAX_SAFE_INTEGER } = this.#filter
    return createdAt >= since && createdAt <= until
  }

  #mayRead(event: StoredEvent): boolean {
    const { kind } = event
    const readers = GUARDED_KINDS.get(kind)
    if (readers === undefined) return true
    const { authedPubkeys } = this.#context
    if (authedPubkeys.size === 0) return false
    if (readers !== 'tagged' && authedPubkeys.has(event.pubkey)) return true
    return readers !== 'author' && event.hasTag('p', authedPubkeys)
  }
}
