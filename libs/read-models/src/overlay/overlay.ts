import { assert } from '@millrace/kernel'
import type { NostrEvent } from '@millrace/nostr'
import { entryBytes, entryOf, type OverlayEntry, type OverlayRecord } from './overlay-entry.ts'
import { OverlayIndex } from './overlay-index.ts'
import { OverlayView } from './overlay-view.ts'

export interface OverlayOptions {
  readonly overlayEventsMax: number
  /** Estimated heap bytes of entries and reservations. */
  readonly overlayBytesMax: number
}

/**
 * added: it is here now; known: it was here already (its offset is raised to the given one); covered: storage has
 * passed this offset, so a query finds it there; full: nothing changed, the caller has to wait or refuse.
 */
export type AddOutcome = 'added' | 'known' | 'covered' | 'full'

/** Whether the serving view answers for an event that it has applied, so that the overlay need not. */
export type IsSettled = (event: NostrEvent) => boolean

/** Room for an event in flight, so that an acknowledged one is never turned away. Used exactly once. */
export interface Reservation {
  add(record: OverlayRecord): Exclude<AddOutcome, 'full'>
  cancel(): void
}

interface Queued {
  readonly id: string
  readonly offset: number
}

/** Gone as soon as no view is open that was opened before `sequence`. */
interface Leaving extends Queued {
  readonly sequence: number
}

/**
 * Acknowledged events that nobody else answers for yet (DESIGN 2.2): without a serving view those that storage's watermark does
 * not cover, with one those that the view has not applied, and those it has applied but leaves to storage. Never evicts: when full
 * it refuses. What others answer for stays until the views opened before are closed, because their queries may have
 * read ClickHouse just before the rows were there.
 */
export class Overlay {
  readonly #options: OverlayOptions
  readonly #index = new OverlayIndex()
  /** Per partition, in order of arrival, which is nearly the order of offsets. */
  readonly #queues = new Map<number, Queued[]>()
  readonly #released = new Map<number, number>()
  /** By partition: the next offset that the serving view applies; null: no view serves. */
  #viewed: ReadonlyMap<number, number> | null = null
  #isSettled: IsSettled = () => false
  /** Covered entries that older views may still need, in the order in which they were covered. */
  #covered: Leaving[] = []
  readonly #views = new Set<OverlayView>()
  #onLeave: (entry: OverlayEntry) => void = () => {}
  #sequence = 0
  #bytes = 0
  #eventsReserved = 0
  #bytesReserved = 0

  constructor(options: OverlayOptions) {
    this.#options = options
  }

  get events(): number {
    return this.#index.size
  }

  /** Estimated heap bytes of the entries, reservations not included. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#index.size === 0 && this.#eventsReserved === 0
  }

  /** Calls the one listener with every entry that leaves. */
  onLeave(listener: (entry: OverlayEntry) => void): void {
    this.#onLeave = listener
  }

  has(id: string): boolean {
    return this.#index.get(id) !== undefined
  }

  get(id: string): OverlayEntry | undefined {
    return this.#index.get(id)
  }

  /** The NIP-01 winner among the versions here that `counts` accepts, e.g. because no tombstone covers them. */
  winner(address: string, counts: (event: NostrEvent) => boolean): OverlayEntry | undefined {
    for (const entry of this.#index.versions(address)) if (counts(entry.event)) return entry
    return undefined
  }

  /** Takes room before an event is appended to the log; null when there is none. */
  reserve(event: NostrEvent, json: string): Reservation | null {
    const bytes = entryBytes(event, json)
    if (!this.#hasRoom(bytes)) return null
    this.#eventsReserved++
    this.#bytesReserved += bytes
    let used = false
    const settle = () => {
      assert(!used, 'a reservation is used once')
      used = true
      this.#eventsReserved--
      this.#bytesReserved -= bytes
    }
    return {
      cancel: settle,
      add: (record) => {
        settle()
        return this.#addWithRoom(record)
      },
    }
  }

  /** Adds an event read from the log, or raises the offset of a known one. */
  add(record: OverlayRecord): AddOutcome {
    if (!this.has(record.event.id) && !this.#isCovered(record))
      if (!this.#hasRoom(entryBytes(record.event, record.json))) return 'full'
    return this.#addWithRoom(record)
  }

  /**
   * Storage's watermark: entries of the partition whose offset is below `nextOffset` leave, once the view has applied them
   * if one serves.
   */
  release(partition: number, nextOffset: number): void {
    if (nextOffset <= (this.#released.get(partition) ?? 0)) return
    this.#released.set(partition, nextOffset)
    this.#sweep(partition, this.#viewed?.get(partition) ?? 0)
  }

  /** Whether everything that left is in the view, or below its horizon in the store: then the view may answer. */
  get followsView(): boolean {
    return this.#viewed !== null
  }

  /**
   * The serving view's next offsets by partition: what it has applied and answers for leaves; the rest stays for storage. From
   * the first call on nothing leaves that the view has not applied. Without effect as long as storage's watermark has let go
   * of something that the view has not applied yet.
   */
  releaseViewed(positions: ReadonlyMap<number, number>, isSettled: IsSettled): void {
    const before = this.#viewed
    if (before === null) {
      for (const [partition, nextOffset] of this.#released)
        if (nextOffset > (positions.get(partition) ?? 0)) return
    }
    this.#viewed = positions
    this.#isSettled = isSettled
    for (const [partition, nextOffset] of positions) {
      const judged = before?.get(partition) ?? 0
      if (nextOffset > judged) this.#sweep(partition, judged)
    }
  }

  /** @param judged before this offset the view has had its say, and only storage is waited for */
  #sweep(partition: number, judged: number): void {
    const waiting: Queued[] = []
    for (const queued of this.#queues.get(partition) ?? []) {
      const entry = this.#index.get(queued.id)
      if (entry?.offset !== queued.offset) continue
      const isLeaving = entry.offset < judged ? this.#isStored(entry) : this.#isCovered(entry)
      if (isLeaving) this.#covered.push({ ...queued, sequence: this.#sequence })
      else waiting.push(queued)
    }
    this.#queues.set(partition, waiting)
    this.#sequence++
    this.#dropCovered()
  }

  /** The overlay as it is now, for the time of one query; to be closed afterwards. */
  open(): OverlayView {
    const view = new OverlayView(this.#index, this.#sequence++, () => {
      this.#views.delete(view)
      this.#dropCovered()
    })
    this.#views.add(view)
    return view
  }

  #addWithRoom(record: OverlayRecord): Exclude<AddOutcome, 'full'> {
    if (this.#isCovered(record)) return 'covered'
    const known = this.#index.get(record.event.id)
    if (known !== undefined) {
      this.#raiseOffset(known, record)
      return 'known'
    }
    this.#index.add(entryOf(record, this.#sequence++))
    this.#bytes += entryBytes(record.event, record.json)
    this.#enqueue(record.partition, { id: record.event.id, offset: record.offset })
    return 'added'
  }

  #raiseOffset(known: OverlayEntry, { partition, offset }: OverlayRecord): void {
    assert(known.partition === partition, 'an event has one partition')
    if (offset <= known.offset) return // Only this class changes an entry, and only its offset.
    ;(known as { offset: number }).offset = offset
    this.#enqueue(partition, { id: known.id, offset })
  }

  #enqueue(partition: number, queued: Queued): void {
    const queue = this.#queues.get(partition)
    if (queue === undefined) this.#queues.set(partition, [queued])
    else queue.push(queued)
  }

  #isStored({ partition, offset }: Pick<OverlayRecord, 'partition' | 'offset'>): boolean {
    return offset < (this.#released.get(partition) ?? 0)
  }

  #isCovered(record: Pick<OverlayRecord, 'partition' | 'offset' | 'event'>): boolean {
    if (this.#viewed === null) return this.#isStored(record)
    if (record.offset >= (this.#viewed.get(record.partition) ?? 0)) return false
    return this.#isStored(record) || this.#isSettled(record.event)
  }

  #hasRoom(bytes: number): boolean {
    const { overlayEventsMax, overlayBytesMax } = this.#options
    if (this.#index.size + this.#eventsReserved >= overlayEventsMax) return false
    return this.#bytes + this.#bytesReserved + bytes <= overlayBytesMax
  }

  #dropCovered(): void {
    let oldest = Number.POSITIVE_INFINITY
    for (const view of this.#views) oldest = Math.min(oldest, view.sequence)
    let dropped = 0
    for (const { id, offset, sequence } of this.#covered) {
      if (sequence >= oldest) break
      dropped++
      const entry = this.#index.get(id)
      // A copy at a higher offset may have come since: it waits for itself.
      if (entry?.offset !== offset) continue
      if (this.#isCovered(entry)) this.#drop(entry)
      // The newer version that the view had instead may have been erased since.
      else this.#enqueue(entry.partition, { id, offset })
    }
    if (dropped > 0) this.#covered = this.#covered.slice(dropped)
  }

  #drop(entry: OverlayEntry): void {
    this.#index.delete(entry)
    this.#bytes -= entryBytes(entry.event, entry.json)
    this.#onLeave(entry)
  }
}
