import type { LoggedEvent } from '@millrace/event-store'
import { ok, type Result } from '@millrace/kernel'
import { addressOf, type Filter } from '@millrace/nostr'
import {
  type NaiveFilter,
  type NaiveRelay,
  naiveExpired,
  naiveMatches,
  naiveMayRead,
  type SignedEvent,
  servedFirst,
} from '@millrace/testkit'
import type { CurrentVersion, ReadContext, ServedEvent } from '../../event-reader.ts'
import type { FilterCursor } from '../../filter-cursor.ts'
import type { Overlay } from '../../overlay/overlay.ts'
import { comparePositions } from '../../position.ts'
import type { BelowReader } from '../viewed-reader-parts.ts'
import type { NaiveHistory } from './naive-history.ts'

/** What the reader below sees of the world around it. */
export interface BelowWorld {
  readonly random: () => number
  readonly overlay: Overlay
  /** Ids in the overlay now. */
  overlayIds(): ReadonlySet<string>
  /** What storage holds now, and everything with one of the ids. */
  storedOr(ids: ReadonlySet<string>): readonly LoggedEvent[]
  readonly history: Pick<NaiveHistory, 'naiveOf'>
  /** Others run meanwhile. */
  pause(): Promise<void>
}

const CALLS_MAX = 20_000

/**
 * The store's place taken by lists and loops: holds what storage has and, as it was when the question came, the overlay.
 * Its pages are of random size; like those of the real one they may hold more than was asked for, or nothing but a way to go on.
 */
export class NaiveBelow implements BelowReader {
  readonly #world: BelowWorld
  calls = 0

  constructor(world: BelowWorld) {
    this.#world = world
  }

  async *query(filters: readonly Filter[], context: ReadContext) {
    const { naive } = await this.#look()
    const found = naive.query(filters.map(wireOf), context.nowS, context.authedPubkeys)
    yield ok(found.map((event) => this.#served(event)))
  }

  async advance(cursors: readonly FilterCursor[], context: ReadContext): Promise<Result<void>> {
    const { naive } = await this.#look()
    const visible = naive.current().filter((event) => !naiveExpired(event, context.nowS))
    const readable = visible.filter((event) => naiveMayRead(event, context.authedPubkeys))
    for (const cursor of cursors) if (!cursor.isDone) this.#advanceOne(cursor, readable)
    return ok(undefined)
  }

  async lookup(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ServedEvent>>> {
    const { events } = await this.#look()
    const wanted = new Set(ids)
    const found = events.filter(({ event }) => wanted.has(event.id))
    return ok(new Map(found.map(({ event }) => [event.id, this.#served(event as SignedEvent)])))
  }

  async currentVersions(addresses: readonly string[]): Promise<Result<ReadonlyMap<string, CurrentVersion>>> {
    const { naive } = await this.#look()
    const versions = naive.current().map((event) => [addressOf(event), event] as const)
    const wanted = versions.filter(([address]) => address !== null && addresses.includes(address))
    return ok(new Map(wanted.map(([at, { id, created_at }]) => [at ?? '', { id, createdAt: created_at }])))
  }

  /** First the overlay, then, a while later, the store. */
  async #look(): Promise<{ naive: NaiveRelay; events: readonly LoggedEvent[] }> {
    if (++this.calls > CALLS_MAX) throw new Error('a read below that does not come to an end')
    using _ = this.#world.overlay.open()
    const waiting = this.#world.overlayIds()
    await this.#world.pause()
    const events = this.#world.storedOr(waiting)
    await this.#world.pause()
    return { naive: this.#world.history.naiveOf(events), events }
  }

  #advanceOne(cursor: FilterCursor, readable: readonly SignedEvent[]): void {
    const { filter, after } = cursor
    const matches = readable
      .filter((event) => naiveMatches(wireOf(filter), event))
      .sort(servedFirst)
      .map((event) => this.#served(event))
      .filter((event) => after === null || comparePositions(event, after) > 0)
    const [first] = matches
    const gap = { createdAt: first?.createdAt ?? 0, id: '' }
    const isGap = first !== undefined && (after === null || comparePositions(gap, after) > 0)
    // Rows that nobody may see lie there: a page without events, but with a way to go on.
    if (isGap && this.#world.random() < 0.2) {
      cursor.take([], gap)
      return
    }
    const page = matches.slice(0, 1 + Math.floor(this.#world.random() * 4))
    cursor.take(page, page.length === matches.length ? null : (page.at(-1) ?? null))
  }

  #served(event: SignedEvent): ServedEvent {
    const { id, pubkey, kind, created_at, tags, content, sig } = event
    const json = JSON.stringify({ id, pubkey, created_at, kind, tags, content, sig })
    return { id, pubkey, kind, createdAt: created_at, json, partition: 0, offset: 0 }
  }
}

function wireOf({ tags, ...rest }: Filter): NaiveFilter {
  const named = Object.entries(tags).map(([letter, values]) => [`#${letter}`, values])
  return { ...rest, ...Object.fromEntries(named) }
}
