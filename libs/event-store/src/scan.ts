import { type Filter, GUARDED_KINDS } from '@millrace/nostr'
import { Arena } from './arena.ts'
import { ListCursor } from './list-cursor.ts'
import { MergedCursor } from './merged-cursor.ts'
import { planOf } from './plan.ts'
import { comparePositions, type IdOf, type Position } from './postings.ts'
import { StoredEvent, tagValueKey } from './stored-event.ts'
import { lendRecord, readId, sequenceOfId, type Tables } from './tables.ts'

/** Who asks, and when. */
export interface ScanContext {
  /** Pubkeys the asker authenticated as (NIP-42). */
  readonly authedPubkeys: ReadonlySet<string>
  /** Seconds since the Unix epoch. */
  readonly nowS: number
  /** What a tombstone covers that is not applied yet; absent: none is. */
  readonly isErased?: ((event: StoredEvent) => boolean) | undefined
}

/** Up to where matches were found, this position included; null: there is nothing after them. */
export type ScanEnd = Position | null

/** Is handed each match in served order. The event is lent: after the call it is another one, and until then nothing else may be read from the view. */
export type TakeStored = (event: StoredEvent) => void

export interface ScanLimits {
  readonly eventsMax: number
  /** The page is cut after the event that reaches it, bytes of records. */
  readonly bytesMax: number
  /** Longest time before the page is cut, milliseconds: nobody else runs meanwhile. */
  readonly sliceMs: number
}

/** Entries between two looks at the clock. */
const CLOCK_EVERY = 64
/** Events by id between two looks: fewer would read where all ids stand more often than it is worth. */
const IDS_CLOCK_EVERY = 256
/** Steps in the other list before the record is read instead. */
const MEETING_STEPS_MAX = 64

/** What all scans of this thread keep their copies in: there is one at a time, and nothing of it is left when it ends. */
const arena = new Arena()
const lent = new StoredEvent(Buffer.alloc(0))

/** The next matches of a filter after a position. Guards, expiry and pending tombstones apply before the cut. */
export function scan(
  tables: Tables,
  filter: Filter,
  after: Position | null,
  context: ScanContext,
  limits: ScanLimits,
  take: TakeStored,
): ScanEnd {
  if (isNever(filter)) return null
  const checks = new Checks(filter, context)
  arena.reset()
  if (filter.ids !== undefined) return scanIds(tables, filter.ids, after, checks, limits, take)
  return scanLists(tables, filter, after, checks, limits, take)
}

/** Whether some list of the filter is empty, so that nothing matches. */
function isNever({ ids, authors, kinds, tags }: Filter): boolean {
  if (ids?.length === 0 || authors?.length === 0 || kinds?.length === 0) return true
  for (const letter in tags) if (tags[letter]?.length === 0) return true
  return false
}

/** By id there are at most as many as were asked for: where each stands is read first, so that each page reads its own events. */
function scanIds(
  tables: Tables,
  ids: readonly string[],
  after: Position | null,
  checks: Checks,
  { eventsMax, bytesMax, sliceMs }: ScanLimits,
  take: TakeStored,
): ScanEnd {
  const deadlineMs = performance.now() + sliceMs
  const found: { sequence: number; position: Position }[] = []
  for (const text of ids) {
    const id = Buffer.from(text, 'hex')
    const sequence = sequenceOfId(tables, id)
    if (sequence === undefined) continue
    const { createdAt } = lent.point(lendRecord(tables, sequence))
    const position = { createdAt, id }
    if (after === null || comparePositions(position, after) > 0) found.push({ sequence, position })
  }
  found.sort((a, b) => comparePositions(a.position, b.position))
  let events = 0
  let bytes = 0
  for (const [index, { sequence, position }] of found.entries()) {
    const event = lent.point(lendRecord(tables, sequence))
    if (!checks.passes(event, true)) continue
    events++
    bytes += event.record.length
    take(event)
    const isLate = (index + 1) % IDS_CLOCK_EVERY === 0 && performance.now() > deadlineMs
    if (events === eventsMax || bytes >= bytesMax || isLate) return position
  }
  return null
}

function scanLists(
  tables: Tables,
  filter: Filter,
  after: Position | null,
  checks: Checks,
  { eventsMax, bytesMax, sliceMs }: ScanLimits,
  take: TakeStored,
): ScanEnd {
  const plan = planOf(tables.postings, filter)
  const idOf: IdOf = (sequence) => readId(tables, sequence)
  const from = startOf(filter, after)
  const cursorOf = (list: Buffer) => new ListCursor(tables.postings, list, idOf, from, arena.copy)
  const merged = new MergedCursor(plan.lists.map(cursorOf))
  const also = plan.also.length === 0 ? null : new MergedCursor(plan.also.map(cursorOf))
  checks.setPlan(plan)
  const sinceS = filter.since ?? 0
  const deadlineMs = performance.now() + sliceMs
  let events = 0
  let bytes = 0
  for (let read = 1; ; read++) {
    const entry = merged.current
    if (entry === undefined || entry.createdAt < sinceS) return null
    if (also !== null && also.current === undefined) return null
    // Where the other list has far to go, the record is the shorter way.
    const isInBoth = also === null ? true : also.meets(entry, MEETING_STEPS_MAX)
    if (isInBoth !== false && (plan.kinds === null || plan.kinds.has(entry.kind))) {
      const event = lent.point(lendRecord(tables, entry.sequence))
      const isAtStart = after !== null && entry.createdAt === after.createdAt && event.isId(after.id)
      if (!isAtStart && checks.passes(event, false)) {
        events++
        bytes += event.record.length
        const isFull = events === eventsMax || bytes >= bytesMax
        const end = isFull ? positionOf(event) : null
        take(event)
        if (isFull) return end
      }
    }
    if (read % CLOCK_EVERY === 0 && performance.now() > deadlineMs) return placeOf(entry)
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

const placeOf = (entry: ListCursor): Position => ({
  createdAt: entry.createdAt,
  id: Buffer.from(entry.id()),
})

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
