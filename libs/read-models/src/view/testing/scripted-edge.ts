import type { ClickHouse } from '@millrace/clickhouse'
import { type LoggedEvent, ServingView, type ViewBounds } from '@millrace/event-store'
import { ok, unwrap } from '@millrace/kernel'
import { eventJson, type Filter, type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import { findOlderVersions } from '../../bodies/body-sql.ts'
import { createEventReader } from '../../joined-reader.ts'
import { Overlay } from '../../overlay/overlay.ts'
import { emptyStore, storeEvents } from '../../testdata/store-fixture.ts'
import { Doubts } from '../doubts.ts'
import { ViewedReader } from '../viewed-reader.ts'
import { VIEWED_READER_LIMITS } from '../viewed-reader-parts.ts'
import { answerNow } from './answer-now.ts'

export interface Store {
  readonly reads: ClickHouse
  readonly writes: ClickHouse
}

const CONTEXT = { authedPubkeys: new Set<string>(), nowS: 1_800_000_000 }

/** One edge at a log of one partition, whose view and storage go on only when they are told to. */
export class ScriptedEdge {
  readonly log: LoggedEvent[] = []
  readonly tombstones: TombstoneSet
  readonly overlay = new Overlay({ overlayEventsMax: 10_000, overlayBytesMax: 1 << 28 })
  readonly view: ServingView
  readonly reader: ViewedReader
  /** How often the store was asked beside or below the view. */
  asked = 0
  readonly #store: Store
  #stored = 0

  private constructor(view: ServingView, tombstones: TombstoneSet, store: Store, pageRowsMax: number) {
    this.view = view
    this.tombstones = tombstones
    this.#store = store
    const { overlay } = this
    const limits = { pageRowsMax }
    this.reader = new ViewedReader({
      overlay,
      tombstones,
      view: () => view,
      below: createEventReader({ clickhouse: store.reads, overlay, tombstones, limits }),
      limits: { ...VIEWED_READER_LIMITS, sliceMs: 1_000 },
      onBelow: () => this.asked++,
    })
  }

  /** Empties the store. @param pageRowsMax of the store's pages */
  static async open(
    folder: string,
    bounds: ViewBounds,
    store: Store,
    pageRowsMax = 500,
  ): Promise<ScriptedEdge> {
    await emptyStore(store.writes)
    const tombstones = new TombstoneSet()
    const view = await ServingView.open({ folder, logId: 'log', bounds, tombstones })
    return new ScriptedEdge(view, tombstones, store, pageRowsMax)
  }

  /** Acknowledged: in the log and the overlay, and nowhere else. */
  publish(...events: readonly NostrEvent[]): void {
    for (const event of events) {
      const logged = { event, json: eventJson(event), partition: 0, offset: this.log.length }
      this.log.push(logged)
      this.overlay.add(logged)
    }
  }

  /** The view reads the log to its end, and the overlay lets go of what it answers for. */
  apply(): void {
    const from = this.view.positions.get(0) ?? 0
    this.view.apply({ events: this.log.slice(from), nextOffsets: new Map([[0, this.log.length]]) })
    this.overlay.releaseViewed(this.view.positions, (event) => this.view.isSettled(event))
  }

  /** Storage reads the log to its end, but for events that a tombstone covers. */
  async store(): Promise<void> {
    const kept = this.log.slice(this.#stored).filter(({ event }) => !this.tombstones.covers(event))
    await storeEvents(this.#store.writes, kept)
    this.#stored = this.log.length
    this.overlay.release(0, this.#stored)
  }

  /** The oldest leave the view until it is within its bounds. */
  evict(): void {
    while (this.view.evict(CONTEXT.nowS, ({ offset }) => offset < this.#stored) > 0);
  }

  /** Everybody learns of the tombstone; storage takes away what it covers. */
  async erase(tombstone: Tombstone): Promise<void> {
    this.tombstones.apply(tombstone)
    await this.view.erase(tombstone, async () => {})
    await emptyStore(this.#store.writes)
    const kept = this.log.slice(0, this.#stored).filter(({ event }) => !this.tombstones.covers(event))
    await storeEvents(this.#store.writes, kept)
  }

  /** The store is asked about addresses in doubt; answers how many it tells about. */
  settleDoubts(): Promise<number> {
    const stored = new Map([[0, this.#stored]])
    const doubts = new Doubts({
      view: () => this.view,
      tombstones: this.tombstones,
      olderVersions: (address, before) =>
        findOlderVersions(this.#store.reads, address, before, AbortSignal.timeout(10_000)),
      stored: async () => ok(stored),
      settle: (settlements) => this.view.settle(settlements),
    })
    return doubts.resolve(stored)
  }

  async query(...filters: Filter[]): Promise<string[]> {
    const ids: string[] = []
    for await (const chunk of this.reader.query(filters, CONTEXT))
      ids.push(...unwrap(chunk).map(({ id }) => id))
    return ids
  }

  /** What is at hand without waiting; null: not all of it is. */
  answerNow(...filters: Filter[]): string[] | null {
    return answerNow(this.reader, filters, CONTEXT)?.map(({ id }) => id) ?? null
  }
}
