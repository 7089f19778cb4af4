import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Filter, NostrEvent, Tombstone, TombstoneSet } from '@millrace/nostr'
import { candidatesOf } from './erasure.ts'
import { evictSome, type IsStored, type ViewBounds } from './eviction.ts'
import { Fold, type LoggedEvent } from './fold.ts'
import { closeFolder, type DropReason, openFolder } from './folder.ts'
import { winnerKey } from './list-keys.ts'
import { classesOf } from './plan.ts'
import { comparePositions, type Position } from './postings.ts'
import { type ScanContext, type ScanLimits, type ScanPage, scan } from './scan.ts'
import { StoredEvent } from './stored-event.ts'
import {
  emptyState,
  readRecord,
  readState,
  sequenceOfId,
  type Tables,
  type ViewState,
  writeState,
} from './tables.ts'
import { readWinner, takesOver, type Winner, winnerKeyOf } from './winners.ts'

export interface ServingViewOptions {
  /** Made when it is missing; nothing else may be in it. */
  readonly folder: string
  /** Of the log that is projected; a view of another one is dropped. */
  readonly logId: string
  readonly bounds: ViewBounds
  /** Called with every tombstone and asked by every fold: all tombstones of the log (DESIGN 2.6). */
  readonly tombstones: TombstoneSet
}

/** The events of some partitions, and how far the view then is with each. */
export interface ViewBatch {
  readonly events: readonly LoggedEvent[]
  /** By partition; partitions that are not named stay where they are. */
  readonly nextOffsets: ReadonlyMap<number, number>
}

/** Address space for the file, never memory: the bounds, twice for pages half full, and room for what storage lags. */
const mapBytes = ({ viewBytesMax, viewWinnersBytesMax }: ViewBounds): number =>
  4 * (viewBytesMax + viewWinnersBytesMax) + 8 * 2 ** 30

/**
 * The LMDB projection of the log that answers REQs (DESIGN 3): the current events newest first, with indices, and the
 * watermark of each partition in the transaction of the data, so a crash neither skips nor repeats. What it does not hold
 * lies after `horizonFor` in served order, or is in doubt, and is the store's to answer. Methods throw what LMDB throws (disk or map
 * full): the process cannot go on then, and a new one finds the last whole transaction.
 */
export class ServingView {
  readonly #tables: Tables
  readonly #options: ServingViewOptions
  #state: ViewState
  /** Why the folder that was there was started anew; null: it was not. */
  readonly dropped: DropReason | null
  /** Tombstones whose events are still being taken out. */
  #erasing = 0

  private constructor(tables: Tables, options: ServingViewOptions, dropped: DropReason | null) {
    this.#tables = tables
    this.#options = options
    this.#state = readState(tables) ?? emptyState(options.logId)
    this.dropped = dropped
  }

  static async open(options: ServingViewOptions): Promise<ServingView> {
    const { tables, dropped } = await openFolder(options.folder, mapBytes(options.bounds), options.logId)
    return new ServingView(tables, options, dropped)
  }

  /** Next offset of nostr.events by partition. */
  get positions(): ReadonlyMap<number, number> {
    return this.#state.events
  }

  /** Next offset of nostr.tombstones by partition. */
  get tombstonePositions(): ReadonlyMap<number, number> {
    return this.#state.tombstones
  }

  get state(): Readonly<ViewState> {
    return this.#state
  }

  /** Bytes of the file, free pages included. */
  get fileBytes(): number {
    return statSync(join(this.#options.folder, 'data.mdb')).size
  }

  /**
   * Applies events and moves the watermarks, in one transaction. What lies below the horizon, and what is not newer than a
   * version that only the store can judge, stays out: see `isSettled`.
   */
  apply({ events, nextOffsets }: ViewBatch): void {
    this.#transact((fold, state) => {
      for (const logged of events) fold.add(logged)
      const positions = new Map([...state.events, ...nextOffsets])
      return [{ ...fold.finish(state), events: positions }, undefined]
    })
  }

  /** Whether an applied event needs nobody else to be answered rightly: it is here, or a newer version is. */
  isSettled(event: NostrEvent): boolean {
    if (sequenceOfId(this.#tables, Buffer.from(event.id, 'hex')) !== undefined) return true
    const key = winnerKeyOf(event)
    const winner = key === null ? undefined : readWinner(this.#tables, key)
    return winner !== undefined && winner.whereabouts === 'here' && !takesOver(event, winner)
  }

  /**
   * Takes out what a tombstone covers; the set of tombstones has it already. In slices of at most `sliceEventsMax` events,
   * between which `pause` is awaited; while it lasts, pages check every event.
   */
  async erase(tombstone: Tombstone, pause: () => Promise<void>, sliceEventsMax = 256): Promise<void> {
    this.#erasing++
    try {
      const sequences = [...candidatesOf(this.#tables, tombstone)]
      for (let from = 0; from < sequences.length; from += sliceEventsMax) {
        if (from > 0) await pause()
        const slice = sequences.slice(from, from + sliceEventsMax)
        this.#transact((fold, state) => {
          for (const sequence of slice)
            if (this.#tables.events.doesExist(sequence)) fold.eraseIfCovered(sequence)
          return [fold.finish(state), undefined]
        })
      }
    } finally {
      this.#erasing--
    }
  }

  /** Says that all tombstones before these offsets are applied. */
  markTombstones(nextOffsets: ReadonlyMap<number, number>): void {
    this.#transact((_, state) => [
      { ...state, tombstones: new Map([...state.tombstones, ...nextOffsets]) },
      undefined,
    ])
  }

  /** Takes out the oldest of what is too much, as far as the store holds it; in one short transaction. Answers how many left. */
  evict(nowS: number, isStored: IsStored): number {
    const { bounds } = this.#options
    const { regular, versioned } = this.#state
    const isOver = regular.bytes > bounds.viewBytesMax || versioned.bytes > bounds.viewWinnersBytesMax
    if (!isOver && bounds.viewAgeDaysMax === 0) return 0
    return this.#transact((fold, state) => {
      const evicted = evictSome(this.#tables, state, fold, bounds, nowS, isStored)
      return [fold.finish(state), evicted]
    })
  }

  /** The next matches of a filter; see `scan`. Complete down to `horizonFor(filter)`. */
  page(filter: Filter, after: Position | null, context: ScanContext, limits: ScanLimits): ScanPage {
    const { tombstones } = this.#options
    const isErased =
      this.#erasing === 0
        ? undefined
        : (stored: StoredEvent): boolean => {
            const event = stored.parse()
            return tombstones.covers(event) || tombstones.isBelowFloor(event)
          }
    return scan(this.#tables, filter, after, { ...context, isErased }, limits)
  }

  /** The position down to which the view has every event that the filter matches, itself included; null: it has all. */
  horizonFor(filter: Filter): Position | null {
    const { regular, versioned } = classesOf(filter)
    const horizons = [
      regular ? this.#state.regular.horizon : null,
      versioned ? this.#state.versioned.horizon : null,
    ]
    const higher = horizons.filter((horizon) => horizon !== null).sort(comparePositions)[0]
    return higher === undefined || higher.createdAt < (filter.since ?? 0) ? null : higher
  }

  /** Whether a version may rule some address that the filter reaches and the view cannot name. */
  isInDoubt(filter: Filter): boolean {
    return this.#state.addressesInDoubt > 0 && classesOf(filter).versioned
  }

  /** The newest version met at an address; undefined: none was, as far as the view reaches back to the log's start. */
  winner(kind: number, pubkey: string, d: string): Winner | undefined {
    return readWinner(this.#tables, winnerKey(kind, pubkey, d))
  }

  /** The event with this id, whoever asks. */
  find(id: string): StoredEvent | undefined {
    const sequence = sequenceOfId(this.#tables, Buffer.from(id, 'hex'))
    return sequence === undefined ? undefined : new StoredEvent(readRecord(this.#tables, sequence))
  }

  async close(): Promise<void> {
    await closeFolder(this.#options.folder, this.#tables)
  }

  /** Runs one transaction: its new state is this object's only once it is committed. */
  #transact<T>(change: (fold: Fold, state: ViewState) => readonly [ViewState, T]): T {
    const before = this.#state
    const [after, result] = this.#tables.root.transactionSync(() => {
      const changed = change(new Fold(this.#tables, before, this.#options.tombstones), before)
      writeState(this.#tables, changed[0])
      return changed
    })
    this.#state = after
    return result
  }
}
