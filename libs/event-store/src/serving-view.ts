import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Tombstone, TombstoneSet } from '@millrace/nostr'
import { candidatesOf } from './erasure.ts'
import { evictSome, type IsStored, type ViewBounds } from './eviction.ts'
import { Fold, type LoggedEvent, type Settlement } from './fold.ts'
import { closeFolder, type DropReason, openFolder } from './folder.ts'
import type { StoredEvent } from './stored-event.ts'
import { emptyState, readState, type Tables, type ViewState, writeState } from './tables.ts'
import { ViewReader } from './view-reader.ts'

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
  /** Gone through once, inside the transaction. */
  readonly events: Iterable<LoggedEvent | StoredEvent>
  /** By partition; partitions that are not named stay where they are. */
  readonly nextOffsets: ReadonlyMap<number, number>
}

/** Address space for the file, never memory: the bounds, twice for pages half full, and room for what storage lags. */
export const viewMapBytes = ({ viewBytesMax, viewWinnersBytesMax }: ViewBounds): number =>
  4 * (viewBytesMax + viewWinnersBytesMax) + 8 * 2 ** 30

/**
 * The LMDB projection of the log that answers REQs (DESIGN 3), open for writing: the current events newest first, with
 * indices, and the watermark of each partition in the transaction of the data, so a crash neither skips nor repeats. What
 * it does not hold lies after `horizonFor` in served order, or is in doubt, and is the store's to answer. Methods throw what
 * LMDB throws (disk or map full): the process cannot go on then, and a new one finds the last whole transaction.
 */
export class ServingView extends ViewReader {
  readonly #options: ServingViewOptions
  /** Why the folder that was there was started anew; null: it was not. */
  readonly dropped: DropReason | null
  /** Tombstones whose events are still being taken out. */
  #erasing = 0

  private constructor(tables: Tables, options: ServingViewOptions, dropped: DropReason | null) {
    super(tables, options.tombstones)
    this.#options = options
    this.dropped = dropped
  }

  static async open(options: ServingViewOptions): Promise<ServingView> {
    const { tables, dropped } = await openFolder(options.folder, viewMapBytes(options.bounds), options.logId)
    if (readState(tables) === null)
      tables.root.transactionSync(() => writeState(tables, emptyState(options.logId)))
    return new ServingView(tables, options, dropped)
  }

  /** Bytes of the file, free pages included. */
  get fileBytes(): number {
    return statSync(join(this.#options.folder, 'data.mdb')).size
  }

  override get isErasing(): boolean {
    return this.#erasing > 0
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

  /**
   * Takes out what a tombstone covers; the set of tombstones has it already. In slices of at most `sliceEventsMax` events,
   * between which `pause` is awaited; while it lasts, pages check every event.
   */
  async erase(tombstone: Tombstone, pause: () => Promise<void>, sliceEventsMax = 256): Promise<void> {
    this.#erasing++
    try {
      const sequences = [...candidatesOf(this.tables, tombstone)]
      for (let from = 0; from < sequences.length; from += sliceEventsMax) {
        if (from > 0) await pause()
        const slice = sequences.slice(from, from + sliceEventsMax)
        this.#transact((fold, state) => {
          for (const sequence of slice)
            if (this.tables.events.doesExist(sequence)) fold.eraseIfCovered(sequence)
          return [fold.finish(state), undefined]
        })
      }
      if (this.state.addressesInDoubt > 0) this.#endIdleDoubts(tombstone)
    } finally {
      this.#erasing--
    }
  }

  /** A floor, or the erasure of all that is older, ends the doubts that an erasure by id has left. */
  #endIdleDoubts({ author, target, floor }: Tombstone): void {
    if (target.type === 'event' && floor === null) return
    this.#transact((fold, state) => {
      fold.endIdleDoubts(author)
      return [fold.finish(state), undefined]
    })
  }

  /** Takes in what the store says about addresses in doubt; what has changed since it was asked stays in doubt. */
  settle(settlements: readonly Settlement[]): void {
    this.#transact((fold, state) => {
      for (const settlement of settlements) fold.settle(settlement)
      return [fold.finish(state), undefined]
    })
  }

  /** Says that all tombstones before these offsets are applied. */
  markTombstones(nextOffsets: ReadonlyMap<number, number>): void {
    this.#transact((_, state) => [
      { ...state, tombstones: new Map([...state.tombstones, ...nextOffsets]) },
      undefined,
    ])
  }

  /** Remembers how far storage is, for a start at which the store does not answer. */
  markStored(nextOffsets: ReadonlyMap<number, number>): void {
    const { stored } = this.state
    const isSame = [...nextOffsets].every(([partition, nextOffset]) => stored.get(partition) === nextOffset)
    if (isSame && stored.size === nextOffsets.size) return
    this.#transact((_, state) => [{ ...state, stored: nextOffsets }, undefined])
  }

  /** Takes out the oldest of what is too much, as far as the store holds it; in one short transaction. Answers how many left. */
  evict(nowS: number, isStored: IsStored): number {
    const { bounds } = this.#options
    const { regular, versioned } = this.state
    const isOver = regular.bytes > bounds.viewBytesMax || versioned.bytes > bounds.viewWinnersBytesMax
    if (!isOver && bounds.viewAgeDaysMax === 0) return 0
    return this.#transact((fold, state) => {
      const evicted = evictSome(this.tables, state, fold, bounds, nowS, isStored)
      return [fold.finish(state), evicted]
    })
  }

  override async close(): Promise<void> {
    await closeFolder(this.#options.folder, this.tables)
  }

  /** Runs one transaction; its state is read back, so that it is this object's only once it is committed. */
  #transact<T>(change: (fold: Fold, state: ViewState) => readonly [ViewState, T]): T {
    const before = this.state
    const result = this.tables.root.transactionSync(() => {
      const [after, answer] = change(new Fold(this.tables, before, this.#options.tombstones), before)
      writeState(this.tables, after)
      return answer
    })
    this.refresh()
    return result
  }
}
