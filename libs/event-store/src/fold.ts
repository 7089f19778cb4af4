import type { NostrEvent, TombstoneSet } from '@millrace/nostr'
import {
  type Doubt,
  doubtAbout,
  doubtsOf,
  erasedVersion,
  isHistoryErased,
  readDoubt,
  removeDoubt,
  writeDoubt,
} from './doubts.ts'
import { encodeStored } from './encode-stored.ts'
import { isVersioned, winnerKey } from './list-keys.ts'
import { PostingWriter } from './posting-writer.ts'
import { comparePositions, type Position, type Posting, positionBefore } from './postings.ts'
import { type LogPlace, StoredEvent } from './stored-event.ts'
import {
  type Budget,
  claimId,
  readId,
  readRecord,
  sequenceOfId,
  type Tables,
  type ViewState,
} from './tables.ts'
import { readWinner, takesOver, winnerKeyOf, writeWinner } from './winners.ts'

/** An event of the log, with its seven fields as they are served. */
export interface LoggedEvent extends LogPlace {
  readonly event: NostrEvent
  readonly json: string
}

/** What the store says about a doubt. */
export interface Settlement {
  /** As it was when the store was asked. */
  readonly doubt: Doubt
  /** The newest version older than the erased one that no tombstone covers; null: there is none. */
  readonly version: LoggedEvent | null
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
  /** Of this transaction's own events and of those it takes out: their records may be gone. */
  readonly #touched = new Map<number, Posting>()
  #nextSequence: number
  #regular: Budget
  #versioned: Budget
  #addressesInDoubt: number
  #doubtsVersion: number
  readonly #positions: ReadonlyMap<number, number>

  constructor(tables: Tables, state: ViewState, tombstones: TombstoneSet) {
    this.#tables = tables
    this.#tombstones = tombstones
    this.#nextSequence = state.nextSequence
    this.#regular = state.regular
    this.#versioned = state.versioned
    this.#addressesInDoubt = state.addressesInDoubt
    this.#doubtsVersion = state.doubtsVersion
    this.#positions = state.events
    this.#postings = new PostingWriter(
      tables.postings,
      (sequence) => this.#touched.get(sequence)?.id ?? readId(tables, sequence),
    )
  }

  /**
   * Takes an event in, unless it is there, erased, superseded, or below the horizon.
   *
   * @param given a record may lie in memory that the next event overwrites
   */
  add(given: LoggedEvent | StoredEvent): void {
    const event =
      given instanceof StoredEvent ? given : new StoredEvent(encodeStored(given.event, given.json, given))
    if (this.#isErased(event)) return
    const id = event.idBytes
    const winner = winnerKeyOf(event)
    if (winner === null) {
      this.#insertInView(event, id)
      return
    }
    const known = sequenceOfId(this.#tables, id)
    if (known === undefined) this.#addVersion(event, id, winner)
    else this.#move(known, event)
  }

  #isErased(event: StoredEvent): boolean {
    if (!this.#tombstones.mayErase(event)) return false
    const whole = event.parse()
    return this.#tombstones.covers(whole) || this.#tombstones.isBelowFloor(whole)
  }

  /** Takes an event out if a tombstone covers it. */
  eraseIfCovered(sequence: number): void {
    const stored = new StoredEvent(readRecord(this.#tables, sequence))
    if (!this.#isErased(stored)) return
    this.#remove(sequence)
    const event = stored.parse()
    const key = winnerKeyOf(stored)
    const winner = key === null ? undefined : readWinner(this.#tables, key)
    if (key === null || winner?.id !== event.id) return
    if (isHistoryErased(event, this.#tombstones)) return void this.#tables.winners.removeSync(key)
    const { partition } = stored
    writeWinner(this.#tables, key, { ...winner, whereabouts: 'in-doubt' })
    writeDoubt(
      this.#tables,
      doubtAbout(event, { partition, offset: this.#positions.get(partition) ?? stored.offset + 1 }),
    )
    this.#addressesInDoubt++
    this.#doubtsVersion++
  }

  /** Ends doubts of an author, or of all, that need no answer any more: nothing older rules, or the horizon hides it. */
  endIdleDoubts(pubkey: string | null): void {
    const { horizon } = this.#versioned
    for (const doubt of doubtsOf(this.#tables, pubkey)) {
      const position = { createdAt: doubt.createdAt, id: Buffer.from(doubt.id, 'hex') }
      const isBelow = horizon !== null && comparePositions(position, horizon) > 0
      if (isBelow || isHistoryErased(erasedVersion(doubt), this.#tombstones)) this.#endDoubt(doubt)
    }
  }

  /**
   * Takes in what the store says, unless that is out of date: a version came meanwhile, or a tombstone that covers the answer.
   * The version may be one that the view is still to read in the log; it then finds it here.
   */
  settle({ doubt, version }: Settlement): void {
    if (!this.isUpToDate(doubt)) return
    if (version !== null && this.#tombstones.covers(version.event)) return
    this.#endDoubt(doubt)
    if (version !== null) this.add(version)
  }

  /** Takes an event out of the view because the store has it. Answers the bytes freed. */
  evict(sequence: number): number {
    const event = new StoredEvent(readRecord(this.#tables, sequence))
    const horizon = positionBefore({ createdAt: event.createdAt, id: event.idBytes })
    const bytes = this.#remove(sequence)
    const key = winnerKeyOf(event)
    // Without its row: versions that are older, and those that come to lie there, are below the horizon too.
    if (key !== null && readWinner(this.#tables, key)?.id === event.id) this.#tables.winners.removeSync(key)
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
      doubtsVersion: this.#doubtsVersion,
    }
  }

  /** Whether nothing has come to the address since the doubt was read. */
  isUpToDate(doubt: Doubt): boolean {
    const now = readDoubt(this.#tables, doubt)
    return now !== undefined && now.id === doubt.id && now.offset === doubt.offset
  }

  #addVersion(event: StoredEvent, id: Buffer, key: Buffer): void {
    const before = readWinner(this.#tables, key)
    if (before !== undefined && !takesOver(event, before)) {
      if (before.whereabouts === 'in-doubt') this.#putOff(event)
      return
    }
    if (before?.whereabouts === 'here') this.#remove(before.sequence)
    if (before?.whereabouts === 'in-doubt') this.#endDoubt(event)
    const sequence = this.#insertInView(event, id)
    if (sequence === null) return
    const { createdAt, id: hexId } = event
    writeWinner(this.#tables, key, { createdAt, id: hexId, sequence, whereabouts: 'here' })
  }

  /** An older version came while the address is in doubt: the store has to have it too before it can tell. */
  #putOff(event: StoredEvent): void {
    const doubt = readDoubt(this.#tables, event)
    if (doubt === undefined || doubt.offset > event.offset) return
    writeDoubt(this.#tables, { ...doubt, offset: event.offset + 1 })
    this.#doubtsVersion++
  }

  #endDoubt(address: Pick<Doubt, 'kind' | 'pubkey' | 'd'>): void {
    removeDoubt(this.#tables, address)
    this.#tables.winners.removeSync(winnerKey(address.kind, address.pubkey, address.d))
    this.#addressesInDoubt--
    this.#doubtsVersion++
  }

  /**
   * The event's sequence number, a new one unless it is known; null when it lies below the horizon, where nothing is known,
   * and stays out.
   */
  #insertInView(event: StoredEvent, id: Buffer): number | null {
    const { createdAt, kind, record } = event
    const { horizon } = budgetNameOf(kind) === 'versioned' ? this.#versioned : this.#regular
    if (horizon !== null && comparePositions({ createdAt, id }, horizon) > 0) return null
    const sequence = this.#nextSequence
    if (!claimId(this.#tables, id, sequence)) {
      this.#move(sequenceOfId(this.#tables, id) as number, event)
      return null
    }
    this.#nextSequence++
    this.#tables.events.putSync(sequence, record, AT_THE_END)
    const posting: Posting = { createdAt, id, kind, sequence }
    this.#touched.set(sequence, posting)
    const lists = this.#postings.add(event, posting)
    this.#count(kind, 1, bytesOf(record, lists))
    return sequence
  }

  /** The same event at a higher offset, perhaps with another signature, which then is the one served (DESIGN 2.3). */
  #move(sequence: number, event: StoredEvent): void {
    const stored = new StoredEvent(readRecord(this.#tables, sequence))
    if (stored.offset >= event.offset) return
    this.#tables.events.putSync(sequence, event.record)
    this.#count(event.kind, 0, event.record.length - stored.record.length)
  }

  #remove(sequence: number): number {
    const event = new StoredEvent(readRecord(this.#tables, sequence))
    const { kind, createdAt, idBytes: id } = event
    const own = this.#touched.get(sequence)
    const posting: Posting = own ?? { createdAt, id, kind, sequence }
    this.#touched.set(sequence, posting)
    const lists = own === undefined ? this.#postings.remove(event, posting) : this.#postings.withdraw(posting)
    this.#tables.events.removeSync(sequence)
    this.#tables.ids.removeSync(id)
    const bytes = bytesOf(event.record, lists)
    this.#count(kind, -1, -bytes)
    return bytes
  }

  #count(kind: number, events: number, bytes: number): void {
    const isOfVersions = isVersioned(kind)
    const { events: before, bytes: bytesBefore, horizon } = isOfVersions ? this.#versioned : this.#regular
    const budget = { events: before + events, bytes: bytesBefore + bytes, horizon }
    if (isOfVersions) this.#versioned = budget
    else this.#regular = budget
  }

  #changeBudget(kind: number, change: (budget: Budget) => Budget): void {
    if (budgetNameOf(kind) === 'versioned') this.#versioned = change(this.#versioned)
    else this.#regular = change(this.#regular)
  }
}

const bytesOf = (record: Buffer, lists: number): number =>
  record.length + EVENT_BYTES_ESTIMATE + lists * POSTING_BYTES_ESTIMATE

/** The sequence number is the highest there is, so the page to write to is known. */
const AT_THE_END = { append: true } as const

/** The position that comes first in served order: a horizon only rises. */
const higher = (a: Position | null, b: Position): Position =>
  a === null || comparePositions(b, a) < 0 ? b : a
