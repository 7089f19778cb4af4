import { rmSync } from 'node:fs'
import { type LoggedEvent, ServingView, type ViewBounds, ViewReader, viewMapBytes } from '@millrace/event-store'
import { type Tombstone, TombstoneSet } from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryEvent,
  arbitraryTombstone,
  EPOCH_S,
  type NaiveRelay,
  type NaiveTombstone,
  naiveClass,
  type SignedEvent,
  SPAN_S,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { Overlay } from '../../overlay/overlay.ts'
import type { BelowWorld } from './naive-below.ts'
import { naiveRelay, seeded } from './naive-history.ts'

export const PARTITIONS = 2
const DAY_S = 86_400
/** Of every class, those with versions often, so that they meet. */
const KINDS = [1, 1, 7, 4, 1059, 13, 0, 0, 3, 10_002, 30_023, 30_023, 40_000]

/** What happened in worlds, so that a test can tell that it saw something. */
export const newTally = () => ({
  events: 0,
  letGoUnstored: 0,
  evicted: 0,
  doubts: 0,
  restarts: 0,
  rebuilds: 0,
  broughtBack: 0,
  storageAhead: 0,
})
export type Tally = ReturnType<typeof newTally>

type Random = () => number
const below = (random: Random, count: number): number => Math.floor(random() * count)

/**
 * One edge without its sockets, in a log that grows: overlay, view and storage each somewhere behind it, as the relay moves
 * them (view-feed.ts, storage-watermarks.ts). The naive relay knows all that was acknowledged.
 */
export class ViewedWorld implements BelowWorld {
  readonly random: Random
  /** The edge's; the view's writer reads them for itself, and later. */
  readonly tombstones = new TombstoneSet()
  readonly log: LoggedEvent[] = []
  readonly tally: Tally
  readonly #folder: string
  readonly #bounds: ViewBounds
  readonly #pool: SignedEvent[]
  readonly #given: (NaiveTombstone & Tombstone)[] = []
  #writersTombstones = new TombstoneSet()
  readonly #ends = new Array<number>(PARTITIONS).fill(0)
  /** By partition: what storage holds, and what it has published of that. */
  readonly #stored = new Array<number>(PARTITIONS).fill(0)
  readonly #watermarks = new Array<number>(PARTITIONS).fill(0)
  #endsAtStart: readonly number[] = []
  #isFilled = false
  #isServing = false
  #erasing: Promise<void> = Promise.resolve()
  #writer: ServingView | undefined
  #view: ViewReader | undefined
  #naive: { readonly key: string; readonly relay: NaiveRelay } | null = null
  overlay = newOverlay()

  constructor(seed: number, folder: string, tally: Tally) {
    this.random = seeded(seed)
    this.#folder = folder
    this.tally = tally
    this.#bounds = {
      viewBytesMax: 2_000 + below(this.random, 40_000),
      viewWinnersBytesMax: 1_000 + below(this.random, 15_000),
      viewAgeDaysMax: below(this.random, 3) === 0 ? 1 : 0,
    }
    const kinds = fc.sample(fc.subarray([...KINDS], { minLength: 2, maxLength: 6 }), { numRuns: 1, seed })[0]
    const events = arbitraryEvent({ kinds: kinds ?? KINDS })
    const first = fc.sample(events, { numRuns: 30, seed })
    const second = fc.sample(arbitraryEvent({ kinds: kinds ?? KINDS, known: first }), { numRuns: 50, seed })
    this.#pool = [...first, ...second].filter(isAccepted)
  }

  /** The view once it may answer, as the edge sees it. */
  readonly serving = (): ViewReader | null => (this.#isServing ? this.#opened(this.#view) : null)

  /** Whether tombstones are known here that the view has not applied. */
  readonly isBehind = (view: ViewReader): boolean =>
    (view.tombstonePositions.get(0) ?? 0) < this.#given.length

  get isDone(): boolean {
    return this.#pool.length === 0
  }

  async open(): Promise<void> {
    this.#writersTombstones = new TombstoneSet()
    this.#writer = await ServingView.open({
      folder: this.#folder,
      logId: 'log',
      bounds: this.#bounds,
      tombstones: this.#writersTombstones,
    })
    this.#view = ViewReader.attach(this.#folder, viewMapBytes(this.#bounds), this.tombstones)
    this.#endsAtStart = [...this.#ends]
    this.#isFilled = false
    this.#isServing = false
    // All tombstones are read before the first event.
    for (let at = 0; at < this.#given.length; at++) await this.#eraseOne(at)
    this.#tell()
  }

  async close(): Promise<void> {
    await this.#erasing
    await this.#view?.close()
    await this.#writer?.close()
  }

  /** What clients do, and what follows of it anywhere. */
  async step(): Promise<void> {
    this.#append(below(this.random, 8))
    this.move()
    if (this.random() < 0.25) await this.#erase()
    if (this.random() < 0.1) await this.#restart()
  }

  /** What goes on by itself and must not change any answer. */
  move(): void {
    const moves = [
      () => this.#apply(),
      () => this.#apply(),
      () => this.#tell(),
      () => this.#tell(),
      () => this.#store(),
      () => this.#publishWatermarks(),
      () => this.#evict(),
    ]
    for (let count = below(this.random, 6); count > 0; count--) moves[below(this.random, moves.length)]?.()
  }

  async pause(): Promise<void> {
    if (this.random() < 0.5) return
    if (this.random() < 0.7) this.move()
    if (this.random() < 0.3) await nextTurn()
  }

  /** What everything acknowledged comes to. */
  naive(): NaiveRelay {
    return naiveRelay(this.log, this.#given)
  }

  naiveOf(events: readonly LoggedEvent[]): NaiveRelay {
    const key = `${this.#given.length} ${events.map(({ partition, offset }) => partition + offset * PARTITIONS).join()}`
    if (this.#naive?.key !== key) this.#naive = { key, relay: naiveRelay(events, this.#given) }
    return this.#naive.relay
  }

  overlayIds(): ReadonlySet<string> {
    return new Set(this.log.filter(({ event }) => this.overlay.has(event.id)).map(({ event }) => event.id))
  }

  storedOr(ids: ReadonlySet<string>): readonly LoggedEvent[] {
    return this.log.filter((logged) => this.#isStored(logged) || ids.has(logged.event.id))
  }

  #append(count: number): void {
    for (let left = count; left > 0; left--) {
      const again = this.log.length > 0 && this.random() < 0.1
      const event = again ? this.log[below(this.random, this.log.length)]?.event : this.#pool.shift()
      if (event === undefined) return
      const partition = AUTHORS.indexOf(event.pubkey) % PARTITIONS
      const offset = this.#ends[partition] ?? 0
      this.#ends[partition] = offset + 1
      const logged = { event, json: JSON.stringify(event), partition, offset }
      this.log.push(logged)
      this.tally.events++
      this.#read(logged)
    }
  }

  /** As the live reader does; now and then a tombstone comes between admission and acknowledgement. */
  #read(logged: LoggedEvent): void {
    const isErased = this.tombstones.covers(logged.event) || this.tombstones.isBelowFloor(logged.event)
    if (isErased && this.random() < 0.7) return
    if (this.overlay.add(logged) === 'full') throw new Error('the overlay is full')
  }

  #apply(): void {
    const writer = this.#opened(this.#writer)
    const nextOffsets = new Map<number, number>()
    const events: LoggedEvent[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const from = writer.positions.get(partition) ?? 0
      const to = Math.min(this.#ends[partition] ?? 0, from + below(this.random, 12))
      if (to === from) continue
      events.push(...this.log.filter((at) => at.partition === partition && at.offset >= from && at.offset < to))
      nextOffsets.set(partition, to)
    }
    writer.apply({ events, nextOffsets })
  }

  /** The edge hears of what the writer has done since. */
  #tell(): void {
    const { positions } = this.#opened(this.#writer)
    this.#isFilled ||= this.#endsAtStart.every((end, partition) => (positions.get(partition) ?? 0) >= end)
    if (!this.#isFilled) return
    this.#isServing = true
    const view = this.#opened(this.#view)
    view.refresh()
    const unstored = () => this.log.filter((at) => !this.#isStored(at) && this.overlay.has(at.event.id)).length
    const before = unstored()
    this.overlay.releaseViewed(view.positions, (event) => view.isSettled(event))
    this.tally.letGoUnstored += before - unstored()
  }

  #store(): void {
    for (const [partition, end] of this.#ends.entries()) {
      const from = this.#stored[partition] ?? 0
      this.#stored[partition] = from + below(this.random, end - from + 1)
      if ((this.#stored[partition] ?? 0) > (this.#writer?.positions.get(partition) ?? 0)) this.tally.storageAhead++
    }
  }

  /** Of one partition or another, and late. */
  #publishWatermarks(): void {
    for (const [partition, stored] of this.#stored.entries()) {
      const from = this.#watermarks[partition] ?? 0
      this.#watermarks[partition] = from + below(this.random, stored - from + 1)
      this.overlay.release(partition, this.#watermarks[partition] ?? 0)
    }
  }

  #evict(): void {
    const isCovered = ({ partition, offset }: { partition: number; offset: number }) =>
      offset < (this.#watermarks[partition] ?? 0)
    const nowS = EPOCH_S + DAY_S + below(this.random, SPAN_S / 2)
    for (let round = 0; round < 3; round++) this.tally.evicted += this.#opened(this.#writer).evict(nowS, isCovered)
  }

  async #erase(): Promise<void> {
    await this.#erasing
    if (this.log.length === 0) return
    const aims = this.log.slice(-30).map(({ event }) => event as SignedEvent)
    const options = { numRuns: 1 + below(this.random, 2), seed: below(this.random, 2 ** 31) }
    const from = this.#given.length
    for (const tombstone of fc.sample(arbitraryTombstone(aims), options)) {
      // Vanishing would soon leave nothing to compare.
      if (tombstone.target.type === 'pubkey' && this.random() < 0.8) continue
      const before = this.naive().current()
      this.tombstones.apply(tombstone)
      this.#given.push(tombstone)
      this.#storeWhatIsBack(new Set(before.map(({ id }) => id)))
    }
    const isLate = this.random() < 0.5
    // Questions meet it half done.
    this.#erasing = (async () => {
      if (isLate) await nextTurn()
      for (let at = from; at < this.#given.length; at++) await this.#eraseOne(at)
    })()
  }

  async #eraseOne(at: number): Promise<void> {
    const writer = this.#opened(this.#writer)
    const tombstone = this.#given[at]
    if (tombstone === undefined) throw new Error('no such tombstone')
    this.#writersTombstones.apply(tombstone)
    if (at < (writer.tombstonePositions.get(0) ?? 0)) return
    const doubts = writer.state.addressesInDoubt
    await writer.erase(tombstone, nextTurn, 2)
    writer.markTombstones(new Map([[0, at + 1]]))
    this.tally.doubts += Math.max(0, writer.state.addressesInDoubt - doubts)
  }

  /**
   * A tombstone without a floor brings older versions back, which no rightly written one does (DESIGN 2.5). Such a version is
   * shown once storage has it: the view forgets versions that a newer one hides, and the overlay lets go of them.
   */
  #storeWhatIsBack(before: ReadonlySet<string>): void {
    for (const { id } of this.naive().current()) {
      if (before.has(id) || this.overlay.has(id)) continue
      const place = this.log.find(({ event }) => event.id === id)
      if (place === undefined) throw new Error('a version from nowhere')
      this.#stored[place.partition] = Math.max(this.#stored[place.partition] ?? 0, place.offset + 1)
      this.tally.broughtBack++
    }
  }

  /** A new process on what the old one left: with the view's folder or without it. */
  async #restart(): Promise<void> {
    await this.close()
    this.tally.restarts++
    if (this.random() < 0.3) {
      rmSync(this.#folder, { recursive: true })
      this.tally.rebuilds++
    }
    this.overlay = newOverlay()
    for (const [partition, stored] of this.#stored.entries()) {
      this.#watermarks[partition] = stored
      this.overlay.release(partition, stored)
    }
    await this.open()
    for (const logged of this.log) if (!this.#isStored(logged)) this.#read(logged)
  }

  #opened<T>(part: T | undefined): T {
    if (part === undefined) throw new Error('the view is not open')
    return part
  }

  #isStored({ partition, offset }: LoggedEvent): boolean {
    return offset < (this.#stored[partition] ?? 0)
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const newOverlay = (): Overlay => new Overlay({ overlayEventsMax: 10_000, overlayBytesMax: 1 << 28 })

/** Ephemeral events and gift wraps for nobody never reach the log. */
const isAccepted = (event: SignedEvent): boolean =>
  naiveClass(event.kind) !== 'ephemeral' &&
  (event.kind !== 1059 || event.tags.some(([name, value]) => name === 'p' && /^[0-9a-f]{64}$/.test(value ?? '')))
