import type { Watermark } from '@millrace/clickhouse'
import { ok, type Result, transient } from '@millrace/kernel'
import { type Filter, isExpired, mayRead, type TombstoneSet } from '@millrace/nostr'
import type {
  BelowReader,
  CurrentVersion,
  FilterCursor,
  Overlay,
  OverlayEntry,
  ReadContext,
  ServedEvent,
} from '@millrace/read-models'
import type { EdgeStore } from '../bootstrap/store.ts'

/** A store that holds nothing: everything is in the overlay. `isAway` makes it fail instead. */
export class EmptyStore implements EdgeStore {
  isAway = false
  /** What it claims to hold, whatever it answers. */
  marks = new Map<number, Watermark>()
  /** Reads that wait until the test lets them go on. */
  gate: Promise<void> | null = null

  async watermarks(): ReturnType<EdgeStore['watermarks']> {
    return this.isAway ? AWAY : ok(new Map(this.marks))
  }

  async olderVersions(): ReturnType<EdgeStore['olderVersions']> {
    return this.isAway ? AWAY : ok([])
  }

  async readKeys(): Promise<Result<void>> {
    return this.isAway ? AWAY : ok(undefined)
  }

  reader(overlay: Overlay, tombstones: TombstoneSet): BelowReader {
    return new OverlayReader(this, overlay, tombstones)
  }
}

const AWAY = { ok: false, fault: transient('clickhouse-unavailable', 'switched off by the test') } as const
const CHUNK_EVENTS = 50

class OverlayReader implements BelowReader {
  readonly #store: EmptyStore
  readonly #overlay: Overlay
  readonly #tombstones: TombstoneSet

  constructor(store: EmptyStore, overlay: Overlay, tombstones: TombstoneSet) {
    this.#store = store
    this.#overlay = overlay
    this.#tombstones = tombstones
  }

  async *query(filters: readonly Filter[], context: ReadContext) {
    const served = this.#read(filters, context)
    await this.#store.gate
    if (this.#store.isAway) {
      yield AWAY
      return
    }
    for (let at = 0; at < served.length; at += CHUNK_EVENTS) yield ok(served.slice(at, at + CHUNK_EVENTS))
  }

  async advance(cursors: readonly FilterCursor[], context: ReadContext): Promise<Result<void>> {
    await this.#store.gate
    if (this.#store.isAway) return AWAY
    for (const cursor of cursors) cursor.take(this.#read([cursor.filter], context), null)
    return ok(undefined)
  }

  async lookup(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ServedEvent>>> {
    if (this.#store.isAway) return AWAY
    const found = ids.map((id) => this.#overlay.get(id)).filter((entry) => entry !== undefined)
    return ok(new Map(found.map((entry) => [entry.id, servedOf(entry)])))
  }

  async currentVersions(addresses: readonly string[]): Promise<Result<ReadonlyMap<string, CurrentVersion>>> {
    if (this.#store.isAway) return AWAY
    const found = new Map<string, CurrentVersion>()
    for (const address of addresses) {
      const winner = this.#overlay.winner(address, (event) => !this.#tombstones.covers(event))
      if (winner !== undefined) found.set(address, { id: winner.id, createdAt: winner.createdAt })
    }
    return ok(found)
  }

  #read(filters: readonly Filter[], { authedPubkeys, nowS }: ReadContext): readonly ServedEvent[] {
    using view = this.#overlay.open()
    const found = new Map<string, ServedEvent>()
    for (const filter of filters) {
      const page = view.page(filter, null, filter.limit ?? 500, {
        counts: (event) => !this.#tombstones.covers(event),
        shows: (event) =>
          !this.#tombstones.isBelowFloor(event) && !isExpired(event, nowS) && mayRead(event, authedPubkeys),
      })
      for (const entry of page.entries) found.set(entry.id, servedOf(entry))
    }
    return [...found.values()].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  }
}

const servedOf = ({ event, json, partition, offset }: OverlayEntry): ServedEvent => ({
  id: event.id,
  pubkey: event.pubkey,
  kind: event.kind,
  createdAt: event.created_at,
  json,
  partition,
  offset,
})
