import { unwrap } from '@millrace/kernel'
import {
  addressOf,
  compareServed,
  type Filter,
  parseFilter,
  type Tombstone,
  TombstoneSet,
} from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryEvent,
  arbitraryFilter,
  arbitraryTombstone,
  EPOCH_S,
  type NaiveFilter,
  NaiveRelay,
  type NaiveTombstone,
  naiveMatches,
  naiveMayRead,
  type SignedEvent,
  SPAN_S,
  servedFirst,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import {
  type Doubt,
  type LoggedEvent,
  type Position,
  ServingView,
  type Settlement,
  type ViewBounds,
  type ViewReader,
} from '../index.ts'

export const UNBOUNDED: ViewBounds = {
  viewBytesMax: 2 ** 30,
  viewWinnersBytesMax: 2 ** 30,
  viewAgeDaysMax: 0,
}
const PARTITIONS = 3

/** Numbers from a seed, so that a failure names what it needs to come again. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface WorldOptions {
  readonly seed: number
  readonly folder: string
  readonly events: number
  readonly bounds?: ViewBounds
  readonly withTombstones?: boolean
}

/** A view and the naive relay beside it, fed the same random history in random batches. */
export class World {
  readonly #options: WorldOptions
  readonly random: () => number
  readonly tombstones = new TombstoneSet()
  naive = new NaiveRelay()
  readonly log: LoggedEvent[] = []
  /** Storage has everything of the log before this index. */
  stored = 0
  /** What storage has told about addresses in doubt, on its way to the view. */
  #settlements: readonly Settlement[] = []
  doubtsSettled = 0
  readonly #given: NaiveTombstone[] = []
  #next = 0
  #view: ServingView | undefined

  constructor(options: WorldOptions) {
    this.#options = options
    this.random = random(options.seed)
    const { seed, events: numRuns } = options
    const first = fc.sample(arbitraryEvent(), { numRuns: Math.ceil(numRuns / 2), seed })
    const known = first.slice(0, 50)
    const second = fc.sample(arbitraryEvent({ known, kinds: [1, 1, 7, 30_023, 0, 1059, 4] }), {
      numRuns: Math.ceil(numRuns / 2),
      seed: seed + 1,
    })
    const offsets = new Array<number>(PARTITIONS).fill(0)
    for (const event of [...first, ...second]) {
      if (event.kind >= 20_000 && event.kind < 30_000) continue
      const copies = this.random() < 0.05 ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        const partition = AUTHORS.indexOf(event.pubkey) % PARTITIONS
        const offset = offsets[partition] ?? 0
        offsets[partition] = offset + 1
        this.log.push({ event, json: JSON.stringify(event), partition, offset })
      }
    }
  }

  get view(): ServingView {
    if (this.#view === undefined) throw new Error('the view is not open')
    return this.#view
  }

  get isDone(): boolean {
    return this.#next >= this.log.length
  }

  get applied(): readonly LoggedEvent[] {
    return this.log.slice(0, this.#next)
  }

  async open(): Promise<void> {
    const { folder, bounds = UNBOUNDED } = this.#options
    this.#view = await ServingView.open({ folder, logId: 'log', bounds, tombstones: this.tombstones })
  }

  get folder(): string {
    return this.#options.folder
  }

  /** A compaction in the midst of a walk of the reader through all pages: what it finds is one answer. */
  async compact(reader: ViewReader): Promise<void> {
    reader.refresh()
    const before = idsOf(reader)
    const walked: string[] = []
    let after = walk(reader, null, walked)
    unwrap(await this.view.compact(async () => {}))
    if (after !== null) after = walk(reader, after, walked)
    await reader.follow()
    while (after !== null) after = walk(reader, after, walked)
    if (walked.join() !== before.join()) throw new Error('a walk across a compaction found something else')
    await this.view.removeLeft()
  }

  async reopen(): Promise<void> {
    await this.view.close()
    await this.open()
  }

  /** The next random piece of the history, and sometimes tombstones after it. */
  async step(): Promise<void> {
    const batch = this.log.slice(this.#next, this.#next + 1 + Math.floor(this.random() * 60))
    this.#next += batch.length
    this.#admitAll()
    const nextOffsets = new Map(batch.map(({ partition, offset }) => [partition, offset + 1]))
    this.view.apply({ events: batch, nextOffsets })
    if (this.#options.withTombstones === true && this.random() < 0.3) await this.#erase()
    // Storage is behind by anything between nothing and all.
    if (this.random() < 0.5) this.stored += Math.floor(this.random() * (this.#next - this.stored + 1))
    if (this.random() < 0.5) this.settle()
    if (this.random() < 0.5) this.#askStorage()
  }

  /** What everything comes to. The oldest are admitted first, so that none is refused as superseded. */
  #admitAll(): void {
    this.naive = new NaiveRelay()
    const everybody = new Set(AUTHORS)
    const events = this.applied.map(({ event }) => event as SignedEvent)
    for (const event of events.sort((a, b) => compareServed(b, a))) this.naive.admit(event, 0, everybody)
    for (const tombstone of this.#given) this.naive.tombstone(tombstone)
  }

  /** The view takes in what storage has told, which may be out of date by then. */
  settle(): void {
    const before = this.view.state.addressesInDoubt
    this.view.settle(this.#settlements)
    this.#settlements = []
    this.doubtsSettled += before - this.view.state.addressesInDoubt
  }

  #askStorage(): void {
    const ripe = this.view.doubts.filter(({ partition, offset }) => {
      const end = this.log.slice(0, this.stored).filter((logged) => logged.partition === partition).length
      return end >= offset
    })
    this.#settlements = ripe.map((doubt) => ({ doubt, version: this.#rulingVersion(doubt) }))
  }

  #rulingVersion(doubt: Doubt): LoggedEvent | null {
    const erased = { created_at: doubt.createdAt, id: doubt.id }
    const older = this.log
      .slice(0, this.stored)
      .filter(({ event }) => addressOf(event) === `${doubt.kind}:${doubt.pubkey}:${doubt.d}`)
      .filter(({ event }) => compareServed(erased, event) < 0 && !this.tombstones.covers(event))
    return older.sort((a, b) => compareServed(a.event, b.event))[0] ?? null
  }

  async #erase(): Promise<void> {
    const aims = this.applied.map(({ event }) => event as SignedEvent)
    const seed = Math.floor(this.random() * 2 ** 31)
    const count = 1 + Math.floor(this.random() * 4)
    const any = fc.sample(arbitraryTombstone(aims), { numRuns: count, seed })
    // Vanishing would soon leave nothing to compare.
    const kept = any.filter(({ target }) => target.type !== 'pubkey' || this.random() >= 0.9)
    const ruling = this.naive.current().filter((event) => addressOf(event) !== null)
    const aim = ruling[Math.floor(this.random() * ruling.length)]
    const [like] = any
    // Without a floor, so that its address is in doubt.
    if (aim !== undefined && like !== undefined)
      kept.push({ ...like, author: aim.pubkey, target: { type: 'event', id: aim.id }, floor: null })
    for (const tombstone of kept) {
      this.tombstones.apply(tombstone as Tombstone)
      this.#given.push(tombstone)
      this.naive.tombstone(tombstone)
      await this.view.erase(tombstone as Tombstone, async () => {}, 3)
    }
  }

  /** Whether storage has what the log holds at this place. */
  readonly isStored = ({ partition, offset }: { partition: number; offset: number }): boolean => {
    const index = this.log.findIndex((logged) => logged.partition === partition && logged.offset === offset)
    return index < this.stored
  }

  filters(count: number): NaiveFilter[] {
    const events = this.applied.slice(-40).map(({ event }) => event as SignedEvent)
    return fc.sample(arbitraryFilter(events), { numRuns: count, seed: Math.floor(this.random() * 2 ** 31) })
  }

  /** Compares answers; the number of events compared, or a description of the difference. */
  differences(filters: readonly NaiveFilter[]): { compared: number; difference: string | null } {
    const nowS = EPOCH_S + Math.floor(this.random() * SPAN_S)
    const visible = this.naive.visible(nowS)
    let compared = 0
    for (const naive of filters) {
      const parsed = parseFilter(naive)
      if (!parsed.ok || this.view.isInDoubt(parsed.value)) continue
      const authed = new Set(AUTHORS.filter(() => this.random() < 0.3))
      const horizon = this.view.horizonFor(parsed.value)
      const expected = visible
        .filter(
          (event) => naiveMatches(naive, event) && naiveMayRead(event, authed) && isAbove(event, horizon),
        )
        .sort(servedFirst)
        .slice(0, naive.limit ?? 500)
      const found = this.#read(parsed.value, authed, nowS, horizon).slice(0, naive.limit ?? 500)
      compared += expected.length
      const [want, got] = [expected.map(({ id }) => id).join(), found.map(({ id }) => id).join()]
      if (want !== got)
        return { compared, difference: `${JSON.stringify(naive)}\nexpected ${want}\nfound    ${got}` }
    }
    return { compared, difference: null }
  }

  /** Page by page, with random cuts by count and by time. */
  #read(filter: Filter, authedPubkeys: ReadonlySet<string>, nowS: number, horizon: Position | null) {
    const found: { id: string; created_at: number }[] = []
    let after: Position | null = null
    for (let page = 0; page < 10_000; page++) {
      const limits = {
        eventsMax: 1 + Math.floor(this.random() * 20),
        bytesMax: this.random() < 0.3 ? 1_000 : 1_000_000,
        sliceMs: this.random() < 0.3 ? 0 : 1_000,
      }
      const { events, endsAt } = this.view.page(filter, after, { authedPubkeys, nowS }, limits)
      for (const stored of events) found.push(stored.parse())
      if (endsAt === null) return found.filter((event) => isAbove(event, horizon))
      after = endsAt
    }
    throw new Error('a scan without an end')
  }
}

function walk(reader: ViewReader, after: Position | null, ids: string[]): Position | null {
  const limits = { eventsMax: 7, bytesMax: 2 ** 30, sliceMs: 10_000 }
  const context = { authedPubkeys: new Set(AUTHORS), nowS: 0 }
  const { events, endsAt } = reader.page({ tags: {} }, after, context, limits)
  for (const { id } of events) ids.push(id)
  return endsAt
}

/** Everything that a view serves, in served order. */
export function idsOf(reader: ViewReader): string[] {
  const ids: string[] = []
  let after = walk(reader, null, ids)
  while (after !== null) after = walk(reader, after, ids)
  return ids
}

export function isAbove(event: { id: string; created_at: number }, horizon: Position | null): boolean {
  if (horizon === null || event.created_at > horizon.createdAt) return true
  return event.created_at === horizon.createdAt && event.id <= horizon.id.toString('hex')
}
