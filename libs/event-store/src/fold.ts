import { indexedTags, type NostrEvent, type TombstoneSet } from '@millrace/nostr'
import { isVersioned, listsOf } from './list-keys.ts'
import { PostingWriter } from './posting-writer.ts'
import { comparePositions, type Position, type Posting, positionBefore } from './postings.ts'
import { encodeStored, type LogPlace, StoredEvent } from './stored-event.ts'
import { type Budget, readId, readRecord, sequenceOfId, type Tables, type ViewState } from './tables.ts'
import { readWinner, takesOver, type Winner, winnerKeyOf, writeWinner } from './winners.ts'

/** An event of the log, with its seven fields as they are served. */
export interface LoggedEvent extends LogPlace {
  readonly event: NostrEvent
  readonly json: string
}

/** What one posting costs on disk, keys and pages half full included; measured. */
const POSTING_BYTES_ESTIMATE = 48
const EVENT_BYTES_ESTIMATE = 80

type BudgetName = 'regular' | 'versioned'

const budgetNameOf = (kind: number): BudgetName => (isVersioned(kind) ? 'versioned' : 'regular')

/**
 * The changes of one transaction. A pure fold: the same events in any order and number, tombstones among them wherever
 * they come, lead to the same events in the view, except below the horizon, where the store is asked anyway.
 */
export class Fold {
  readonly #tables: Tables
  readonly #tombstones: TombstoneSet
  readonly #postings: PostingWriter
  /** Ids of this transaction's own events, whose records may be gone again. */
  readonly #ids = new Map<number, Buffer>()
  #nextSequence: number
  #regular: Budget
  #versioned: Budget
  #addressesInDoubt: number

  constructor(tables: Tables, state: ViewState, tombstones: TombstoneSet) {
    this.#tables = tables
    this.#tombstones = tombstones
    this.#nextSequence = state.nextSequence
    this.#regular = state.regular
    this.#versioned = state.versioned
    this.#addressesInDoubt = state.addressesInDoubt
    this.#postings = new PostingWriter(
      tables.postings,
      (sequence) => this.#ids.get(sequence) ?? readId(tables, sequence),
    )
  }

  /** Takes an event in, unless it is there, erased, superseded, or below the horizon. */
  add(logged: LoggedEvent): void {
    const { event } = logged
    if (this.#tombstones.covers(event) || this.#tombstones.isBelowFloor(event)) return
    const id = Buffer.from(event.id, 'hex')
    const known = sequenceOfId(this.#tables, id)
    const winner = winnerKeyOf(event)
    if (known !== undefined) this.#move(known, logged)
    else if (winner === null) this.#insertInView(logged, id)
    else this.#addVersion(logged, id, winner)
  }

  /** Takes an event out if a tombstone covers it. */
  eraseIfCovered(sequence: number): void {
    const event = new StoredEvent(readRecord(this.#tables, sequence)).parse()
    const isHeldDown = this.#tombstones.isBelowFloor(event)
    if (!isHeldDown && !this.#tombstones.covers(event)) return
    this.#remove(sequence)
    const key = winnerKeyOf(event)
    const winner = key === null ? undefined : readWinner(this.#tables, key)
    if (key === null || winner?.id !== event.id) return
    if (isHeldDown || this.#isHistoryErased(event)) this.#tables.winners.removeSync(key)
    else this.#setWinner(key, winner, { ...winner, whereabouts: 'in-doubt' })
  }

  /** Takes an event out of the view because the store has it; its address remembers that it exists. Answers the bytes freed. */
  evict(sequence: number): number {
    const stored = new StoredEvent(readRecord(this.#tables, sequence))
    const event = stored.parse()
    const horizon = positionBefore({ createdAt: event.created_at, id: Buffer.from(event.id, 'hex') })
    const bytes = this.#remove(sequence)
    const key = winnerKeyOf(event)
    const winner = key === null ? undefined : readWinner(this.#tables, key)
    if (key !== null && winner?.id === event.id)
      this.#setWinner(key, winner, { ...winner, whereabouts: 'out' })
    this.#changeBudget(event.kind, (budget) => ({ ...budget, horizon: higher(budget.horizon, horizon) }))
    return bytes
  }

  /** Writes the postings and answers the new state; the caller writes it in the same transaction. */
  finish(state: ViewState): ViewState {
    this.#postings.flush()
    return {
      ...state,
      nextSequence: this.#nextSequence,
      regular: this.#regular,
      versioned: this.#versioned,
      addressesInDoubt: this.#addressesInDoubt,
    }
  }

  #addVersion(logged: LoggedEvent, id: Buffer, key: Buffer): void {
    const { event } = logged
    const before = readWinner(this.#tables, key)
    if (before !== undefined && !takesOver(event, before)) return
    if (before?.whereabouts === 'here') this.#remove(before.sequence)
    const sequence = this.#insertInView(logged, id)
    this.#setWinner(key, before, {
      createdAt: event.created_at,
      id: event.id,
      sequence: sequence ?? 0,
      whereabouts: sequence === null ? 'out' : 'here',
    })
  }

  /** The new event's sequence number; null when it lies below the horizon and stays out. */
  #insertInView(logged: LoggedEvent, id: Buffer): number | null {
    const { event, json } = logged
    const { horizon } = budgetNameOf(event.kind) === 'versioned' ? this.#versioned : this.#regular
    const position = { createdAt: event.created_at, id }
    if (horizon !== null && comparePositions(position, horizon) > 0) return null
    const sequence = this.#nextSequence++
    const tags = indexedTags(event)
    const record = encodeStored(event, json, logged, tags)
    this.#tables.events.putSync(sequence, record)
    this.#tables.ids.putSync(id, sequenceBytes(sequence))
    this.#ids.set(sequence, id)
    const posting: Posting = { ...position, kind: event.kind, sequence }
    const lists = listsOf(event, tags)
    for (const list of lists) this.#postings.add(list, posting)
    this.#count(event.kind, 1, bytesOf(record, lists.length))
    return sequence
  }

  /** The same event at a higher offset, perhaps with another signature, which then is the one served (DESIGN 2.3). */
  #move(sequence: number, logged: LoggedEvent): void {
    const stored = new StoredEvent(readRecord(this.#tables, sequence))
    if (stored.offset >= logged.offset) return
    const record = encodeStored(logged.event, logged.json, logged, indexedTags(logged.event))
    this.#tables.events.putSync(sequence, record)
    this.#count(logged.event.kind, 0, record.length - stored.record.length)
  }

  #remove(sequence: number): number {
    const record = readRecord(this.#tables, sequence)
    const event = new StoredEvent(record).parse()
    const id = Buffer.from(event.id, 'hex')
    const posting: Posting = { createdAt: event.created_at, id, kind: event.kind, sequence }
    const lists = listsOf(event, indexedTags(event))
    // Postings with the same key except the id may still be compared with it.
    this.#ids.set(sequence, id)
    for (const list of lists) this.#postings.remove(list, posting)
    this.#tables.events.removeSync(sequence)
    this.#tables.ids.removeSync(id)
    const bytes = bytesOf(record, lists.length)
    this.#count(event.kind, -1, -bytes)
    return bytes
  }

  #setWinner(key: Buffer, before: Winner | undefined, after: Winner): void {
    if (before?.whereabouts === 'in-doubt') this.#addressesInDoubt--
    if (after.whereabouts === 'in-doubt') this.#addressesInDoubt++
    writeWinner(this.#tables, key, after)
  }

  /** Whether all older versions are erased as well, whatever their ids. */
  #isHistoryErased(event: NostrEvent): boolean {
    return this.#tombstones.covers({ ...event, id: NO_ID })
  }

  #count(kind: number, events: number, bytes: number): void {
    this.#changeBudget(kind, (budget) => ({
      ...budget,
      events: budget.events + events,
      bytes: budget.bytes + bytes,
    }))
  }

  #changeBudget(kind: number, change: (budget: Budget) => Budget): void {
    if (budgetNameOf(kind) === 'versioned') this.#versioned = change(this.#versioned)
    else this.#regular = change(this.#regular)
  }
}

const NO_ID = ''

const bytesOf = (record: Buffer, lists: number): number =>
  record.length + EVENT_BYTES_ESTIMATE + lists * POSTING_BYTES_ESTIMATE

function sequenceBytes(sequence: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(sequence)
  return bytes
}

/** The position that comes first in served order: a horizon only rises. */
const higher = (a: Position | null, b: Position): Position =>
  a === null || comparePositions(b, a) < 0 ? b : a
