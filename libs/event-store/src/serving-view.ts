import { statSync } from 'node:fs'
import { assert, type Clock, ok, type Result, systemClock } from '@millrace/kernel'
import type { Tombstone, TombstoneSet } from '@millrace/nostr'
import { type Compacted, type CompactionFault, copyLive, freeBytesOf } from './compaction.ts'
import { candidatesOf } from './erasure.ts'
import { evictSome, type IsStored, type ViewBounds } from './eviction.ts'
import { Fold, type LoggedEvent, type Settlement } from './fold.ts'
import { closeFolder, type DropReason, type OpenedFolder, openFolder } from './folder.ts'
import {
  dataFileOf,
  readErasedSinceMs,
  removeGeneration,
  setCurrent,
  writeErasedSinceMs,
} from './generations.ts'
import type { StoredEvent } from './stored-event.ts'
import { emptyState, readState, type ViewState, writeState } from './tables.ts'
import { ViewReader } from './view-reader.ts'

export interface ServingViewOptions {
  /** Made when it is missing; nothing else may be in it. */
  readonly folder: string
  /** Of the log that is projected; a view of another one is dropped. */
  readonly logId: string
  readonly bounds: ViewBounds
  /** Called with every tombstone and asked by every fold: all tombstones of the log (DESIGN 2.6). */
  readonly tombstones: TombstoneSet
  /** Default: the system's. */
  readonly clock?: Clock
  /** Default: of the folder's file system. */
  readonly freeBytes?: (folder: string) => number
}

/** The file before the current one, as long as somebody may read it. */
interface Left extends Compacted {
  readonly erasedSinceMs: number | null
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
  #generation: number
  /** Since when erased bytes may lie in the current file. */
  #erasedSinceMs: number | null
  #left: Left | null = null
  #removing: Promise<void> | null = null
  #isCompacting = false

  private constructor({ tables, generation, dropped }: OpenedFolder, options: ServingViewOptions) {
    super(tables, options.tombstones, null)
    this.#options = options
    this.#generation = generation
    this.#erasedSinceMs = readErasedSinceMs(options.folder)
    this.dropped = dropped
  }

  static async open(options: ServingViewOptions): Promise<ServingView> {
    const opened = await openFolder(options.folder, viewMapBytes(options.bounds), options.logId)
    const { tables } = opened
    if (readState(tables) === null)
      tables.root.transactionSync(() => writeState(tables, emptyState(options.logId)))
    return new ServingView(opened, options)
  }

  /** Bytes of the file, free pages included. */
  get fileBytes(): number {
    return statSync(dataFileOf(this.#options.folder, this.#generation)).size
  }

  /**
   * Since when bytes that are erased for readers may lie in the files, milliseconds since the Unix epoch; null: none do. A compaction
   * ends that, once the file before is removed.
   */
  get erasedSinceMs(): number | null {
    return this.#left?.erasedSinceMs ?? this.#erasedSinceMs
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
    this.#markErased()
    try {
      const sequences = [...candidatesOf(this.tables, tombstone)]
      for (let from = 0; from < sequences.length; from += sliceEventsMax) {
        if (from > 0) await pause()
        const slice = sequences.slice(from, from + sliceEventsMax)
        this.#markErased()
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

  /**
   * Before the transaction that erases, so that no crash forgets it. Every tombstone counts, also one that finds nothing: versions that
   * were superseded and events that were evicted lie in free pages as well.
   */
  #markErased(): void {
    if (this.#erasedSinceMs !== null || this.state.nextSequence === 0) return
    const isMarked = this.erasedSinceMs !== null
    this.#erasedSinceMs = (this.#options.clock ?? systemClock).nowMs()
    if (!isMarked) writeErasedSinceMs(this.#options.folder, this.#erasedSinceMs)
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

  /**
   * Copies what is live into a new file and goes on there, so that nothing erased is left. Until it answers nothing may be written, reads
   * go on. Readers elsewhere `follow` afterwards, and then `removeLeft` removes the file before. A fault: all is as it was.
   */
  async compact(pause: () => Promise<void>): Promise<Result<void, CompactionFault>> {
    assert(!this.#isCompacting && this.#left === null, 'one compaction after the other')
    this.#isCompacting = true
    try {
      const { folder, bounds, freeBytes = freeBytesOf } = this.#options
      const current = { tables: this.tables, generation: this.#generation }
      const copied = await copyLive(folder, current, viewMapBytes(bounds), freeBytes(folder), pause)
      if (!copied.ok) return copied
      const { generation, tables } = copied.value
      setCurrent(folder, generation)
      this.#left = { ...current, erasedSinceMs: this.#erasedSinceMs }
      this.#generation = generation
      this.#erasedSinceMs = null
      this.moveTo(tables)
      return ok(undefined)
    } finally {
      this.#isCompacting = false
    }
  }

  /** Removes the file that the last compaction has left. Nobody may read it any more. */
  async removeLeft(): Promise<void> {
    this.#removing ??= this.#removeLeft().finally(() => {
      this.#removing = null
    })
    await this.#removing
  }

  async #removeLeft(): Promise<void> {
    const left = this.#left
    if (left === null) return
    const { folder } = this.#options
    await left.tables.root.close()
    removeGeneration(folder, left.generation)
    this.#left = null
    writeErasedSinceMs(folder, this.#erasedSinceMs)
  }

  override async close(): Promise<void> {
    await this.removeLeft()
    await closeFolder(this.#options.folder, this.#generation, this.tables)
  }

  /** Runs one transaction; its state is read back, so that it is this object's only once it is committed. */
  #transact<T>(change: (fold: Fold, state: ViewState) => readonly [ViewState, T]): T {
    assert(!this.#isCompacting, 'nothing is written while the view is copied')
    const before = this.state
    const result = this.tables.root.transactionSync(() => {
      const [after, answer] = change(new Fold(this.tables, before, this.#options.tombstones), before)
      // What tells of an erased version is no longer live.
      if (after.addressesInDoubt < before.addressesInDoubt) this.#markErased()
      writeState(this.tables, after)
      return answer
    })
    this.refresh()
    return result
  }
}
