import { rmSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type LoggedEvent,
  type LogPlace,
  ServingView,
  type Settlement,
  type ViewBounds,
  ViewReader,
  viewMapBytes,
} from '@millrace/event-store'
import { TombstoneSet } from '@millrace/nostr'
import { EPOCH_S, SPAN_S } from '@millrace/testkit'
import type { Doubts } from '../doubts.ts'
import type { BelowWorld } from './naive-below.ts'
import { below, NaiveHistory, PARTITIONS, type Random } from './naive-history.ts'
import type { Tally } from './tally.ts'
import { boundsFrom, doubtsOf, newOverlay, opened } from './world-parts.ts'

const DAY_S = 86_400

/**
 * One edge without its sockets, at a log that grows: overlay, storage, the view's writer and the view as the edge sees it are each
 * somewhere in that log, and are moved as the relay moves them (apps/relay/src/view, live/storage-watermarks.ts).
 */
export class ViewedWorld implements BelowWorld {
  readonly history: NaiveHistory
  readonly random: Random
  readonly tally: Tally
  overlay = newOverlay()
  readonly #folder: string
  readonly #bounds: ViewBounds
  readonly #erasureRate: number
  /** By partition: what storage holds, and what it has published of that. */
  readonly #stored = new Array<number>(PARTITIONS).fill(0)
  readonly #watermarks = new Array<number>(PARTITIONS).fill(0)
  #writersTombstones = new TombstoneSet()
  #writer: ServingView | undefined
  #view: ViewReader | undefined
  #endsAtStart: readonly number[] = []
  #isFilled = false
  #isServing = false
  #erasing: Promise<void> = Promise.resolve()
  #resolving: Promise<unknown> = Promise.resolve()
  /** On their way to the view's writer. */
  #settlements: readonly Settlement[] = []
  readonly #doubts: Doubts

  constructor(seed: number, folder: string, tally: Tally) {
    this.history = new NaiveHistory(seed)
    this.random = this.history.random
    this.tally = tally
    this.#folder = folder
    this.#bounds = boundsFrom(this.random)
    this.#erasureRate = [0, 0.1, 0.4][below(this.random, 3)] ?? 0
    this.#doubts = doubtsOf(this, (settlements) => {
      this.#settlements = settlements
    })
  }

  /** The view once it may answer, as the edge sees it. */
  readonly serving = (): ViewReader | null => (this.#isServing ? opened(this.#view) : null)

  /** Whether the edge knows tombstones that the view has not applied. */
  readonly isBehind = (view: ViewReader): boolean =>
    (view.tombstonePositions.get(0) ?? 0) < this.history.given.length

  async open(): Promise<void> {
    const bounds = this.#bounds
    this.#writersTombstones = new TombstoneSet()
    const options = { folder: this.#folder, logId: 'log', bounds, tombstones: this.#writersTombstones }
    this.#writer = await ServingView.open(options)
    this.#view = ViewReader.attach(this.#folder, viewMapBytes(bounds), this.history.tombstones)
    this.#endsAtStart = [...this.history.ends]
    this.#isFilled = false
    this.#isServing = false
    // All tombstones are read before the first event.
    for (let at = 0; at < this.history.given.length; at++) await this.#eraseOne(at)
    this.#tell()
  }

  async close(): Promise<void> {
    await this.#erasing
    await this.#resolving
    this.#settlements = []
    await this.#view?.close()
    await this.#writer?.close()
  }

  /** What clients do, and what follows of it anywhere. */
  async step(): Promise<void> {
    for (const logged of this.history.append(below(this.random, 8))) {
      this.tally.events++
      this.#read(logged)
    }
    this.move()
    if (this.random() < this.#erasureRate) await this.#erase()
    if (this.random() < 0.08) await this.#restart()
  }

  /** What goes on by itself and must not change any answer. */
  move(): void {
    const moves = [
      () => this.#apply(11),
      () => this.#apply(11),
      () => this.#tell(),
      () => this.#tell(),
      () => this.#store(),
      () => this.#publishWatermarks(),
      () => this.#evict(),
      () => this.#resolve(),
      () => this.#settle(),
    ]
    for (let count = below(this.random, 6); count > 0; count--) moves[below(this.random, moves.length)]?.()
  }

  async pause(): Promise<void> {
    if (this.random() < 0.5) return
    if (this.random() < 0.7) this.move()
    if (this.random() < 0.3) await nextTurn()
  }

  /** Everybody has read the log to its end. */
  async settle(): Promise<void> {
    await this.#erasing
    while (this.history.ends.some((end, at) => (this.#writer?.positions.get(at) ?? 0) < end))
      this.#apply(1_000)
    for (const [partition, end] of this.history.ends.entries()) {
      this.#stored[partition] = end
      this.#watermarks[partition] = end
      this.overlay.release(partition, end)
    }
    this.#tell()
    await this.#resolving
    for (let round = 0; round < 20 && opened(this.#writer).doubts.length > 0; round++) {
      this.#settle()
      this.#tell()
      this.#resolve()
      await this.#resolving
    }
  }

  get view(): ViewReader {
    return opened(this.#view)
  }

  isStored({ partition, offset }: LogPlace): boolean {
    return offset < (this.#stored[partition] ?? 0)
  }

  /** What storage has, by partition. */
  storedOffsets(): ReadonlyMap<number, number> {
    return new Map(this.#stored.entries())
  }

  overlayIds(): ReadonlySet<string> {
    const ids = this.history.log.map(({ event }) => event.id)
    return new Set(ids.filter((id) => this.overlay.has(id)))
  }

  storedOr(ids: ReadonlySet<string>): readonly LoggedEvent[] {
    return this.history.log.filter((logged) => this.isStored(logged) || ids.has(logged.event.id))
  }

  /** As the live reader does; now and then a tombstone comes between admission and acknowledgement. */
  #read(logged: LoggedEvent): void {
    const { tombstones } = this.history
    const isErased = tombstones.covers(logged.event) || tombstones.isBelowFloor(logged.event)
    if (isErased && this.random() < 0.7) return
    if (this.overlay.add(logged) === 'full') throw new Error('the overlay is full')
  }

  #apply(recordsMax: number): void {
    const writer = opened(this.#writer)
    const nextOffsets = new Map<number, number>()
    const events: LoggedEvent[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const from = writer.positions.get(partition) ?? 0
      const to = Math.min(this.history.ends[partition] ?? 0, from + below(this.random, recordsMax + 1))
      if (to === from) continue
      const isNext = (at: LogPlace) => at.partition === partition && at.offset >= from && at.offset < to
      events.push(...this.history.log.filter(isNext))
      nextOffsets.set(partition, to)
    }
    writer.apply({ events, nextOffsets })
  }

  /** The edge hears of what the writer has done since. */
  #tell(): void {
    const { positions } = opened(this.#writer)
    this.#isFilled ||= this.#endsAtStart.every((end, partition) => (positions.get(partition) ?? 0) >= end)
    if (!this.#isFilled) return
    this.#isServing = true
    const view = opened(this.#view)
    view.refresh()
    const { log } = this.history
    const unstored = () => log.filter((at) => !this.isStored(at) && this.overlay.has(at.event.id)).length
    const before = unstored()
    this.overlay.releaseViewed(view.positions, (event) => view.isSettled(event))
    this.tally.letGoUnstored += before - unstored()
  }

  #store(): void {
    for (const [partition, end] of this.history.ends.entries()) {
      const from = this.#stored[partition] ?? 0
      const to = from + below(this.random, end - from + 1)
      this.#stored[partition] = to
      this.tally.storageAhead += Number(to > (this.#writer?.positions.get(partition) ?? 0))
    }
  }

  #publishWatermarks(): void {
    for (const [partition, stored] of this.#stored.entries()) {
      const from = this.#watermarks[partition] ?? 0
      const to = from + below(this.random, stored - from + 1)
      this.#watermarks[partition] = to
      this.overlay.release(partition, to)
    }
  }

  #evict(): void {
    const isPublished = ({ partition, offset }: LogPlace) => offset < (this.#watermarks[partition] ?? 0)
    const nowS = EPOCH_S + DAY_S + below(this.random, SPAN_S / 2)
    for (let round = 0; round < 3; round++)
      this.tally.evicted += opened(this.#writer).evict(nowS, isPublished)
  }

  /** As an edge does at each look at storage's watermarks. */
  #resolve(): void {
    const watermarks = new Map(this.#watermarks.entries())
    this.#resolving = this.#resolving.then(() => this.#doubts.resolve(watermarks))
  }

  #settle(): void {
    const writer = opened(this.#writer)
    const before = writer.state.addressesInDoubt
    writer.settle(this.#settlements)
    this.#settlements = []
    this.tally.doubtsSettled += before - writer.state.addressesInDoubt
  }

  async #erase(): Promise<void> {
    await this.#erasing
    const from = this.history.given.length
    const back = this.history.someTombstones().flatMap((tombstone) => this.history.erase(tombstone))
    for (const { id } of back) this.#storeWhatIsBack(id)
    const turnsLate = below(this.random, 8)
    this.#erasing = (async () => {
      for (let turn = 0; turn < turnsLate; turn++) await nextTurn()
      for (let at = from; at < this.history.given.length; at++) await this.#eraseOne(at)
    })()
    // Otherwise questions meet it half done.
    if (back.length > 0) await this.#erasing
  }

  async #eraseOne(at: number): Promise<void> {
    const writer = opened(this.#writer)
    const tombstone = opened(this.history.given[at])
    this.#writersTombstones.apply(tombstone)
    if (at < (writer.tombstonePositions.get(0) ?? 0)) return
    const before = writer.state.addressesInDoubt
    await writer.erase(tombstone, nextTurn, 2)
    writer.markTombstones(new Map([[0, at + 1]]))
    this.tally.addressesInDoubt += Math.max(0, writer.state.addressesInDoubt - before)
  }

  /**
   * A tombstone without a floor brings an older version back, which no rightly written one does (DESIGN 2.5). It is shown once
   * storage has it and the view has applied the tombstone: the view keeps no version that a newer one hides.
   */
  #storeWhatIsBack(id: string): void {
    this.tally.broughtBack++
    if (this.overlay.has(id)) return
    const { partition, offset } = opened(this.history.log.find(({ event }) => event.id === id))
    this.#stored[partition] = Math.max(this.#stored[partition] ?? 0, offset + 1)
  }

  /** A new process on what the old one left: with the view's folder or without it. */
  async #restart(): Promise<void> {
    await this.close()
    this.tally.restarts++
    if (this.random() < 0.5) {
      rmSync(this.#folder, { recursive: true })
      this.tally.rebuilds++
    }
    this.overlay = newOverlay()
    for (const [partition, stored] of this.#stored.entries()) {
      this.#watermarks[partition] = stored
      this.overlay.release(partition, stored)
    }
    await this.open()
    for (const logged of this.history.log) if (!this.isStored(logged)) this.#read(logged)
  }
}
