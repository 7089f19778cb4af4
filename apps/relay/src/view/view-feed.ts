import type { LoggedEvent, ServingView } from '@millrace/event-store'
import type { ConsumerHandler, Log, LogConsumer, LogRecord, RecordBatch } from '@millrace/kafka'
import { type Clock, delayMs, type Result } from '@millrace/kernel'
import { eventJson, type Tombstone } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import type { Overlay } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import { readEventRecord } from '../live/event-records.ts'
import type { Room } from '../live/room.ts'
import { ViewProgress } from './view-progress.ts'

export interface ViewFeedParts {
  readonly kafka: Pick<Log, 'consumer'>
  readonly edgeId: string
  readonly view: ServingView
  readonly overlay: Overlay
  readonly room: Room
  readonly partitionCount: number
  /** Whether storage's watermark covers this place of the log. */
  readonly isStored: (place: { readonly partition: number; readonly offset: number }) => boolean
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Events of one partition that wait to be applied. */
interface Waiting {
  readonly batch: RecordBatch
  readonly events: readonly LoggedEvent[]
  readonly done: () => void
  readonly failed: (cause: unknown) => void
}

/** Time for other partitions to join a transaction, milliseconds. */
const GATHER_MS = 10
/** Events in one transaction, which holds the event loop: few while REQs are answered from the view, many before. */
const SLICE_EVENTS_SERVING = 100
const SLICE_EVENTS_FILLING = 1_000
const BATCH_RECORDS_MAX = 1_000
/** A reader behind its bounds takes out this often what is too much. */
const EVICTIONS_PER_FLUSH_MAX = 50

/**
 * Keeps the serving view up with the log: reads nostr.events from the view's own watermarks, in a group of its own, and
 * applies it in short transactions. Once the view has what the log had at the start it serves, and from then on the overlay
 * lets go of what the view answers for.
 */
export class ViewFeed {
  readonly #parts: ViewFeedParts
  readonly #consumer: LogConsumer
  readonly #progress: ViewProgress
  #waiting: Waiting[] = []
  #flushing: Promise<void> | null = null
  #isServing = false
  /** Tombstones that are being applied, with everything before them. */
  #erasures: Promise<void> = Promise.resolve()

  constructor(parts: ViewFeedParts) {
    this.#parts = parts
    this.#progress = new ViewProgress(parts.view, parts.log)
    this.#consumer = parts.kafka.consumer({
      groupId: `view.${parts.edgeId}`,
      topics: [TOPICS.events],
      exclusive: true,
      partitionsConcurrent: parts.partitionCount,
      batchRecordsMax: BATCH_RECORDS_MAX,
    })
    parts.metrics.onScrape(() => this.#sample())
  }

  /** The view once it may answer REQs; null while it is being filled. */
  readonly serving = (): ServingView | null => (this.#isServing ? this.#parts.view : null)

  /** Settles when reading ends: a fault when it cannot go on. */
  get ended(): Promise<Result<void>> {
    return this.#consumer.ended
  }

  /** @param ends of nostr.events by partition: the view serves once it has read up to them */
  async start(ends: ReadonlyMap<number, number>): Promise<void> {
    await this.#erasures
    this.#progress.begin(ends)
    this.#serveIfThere()
    const handler: ConsumerHandler = {
      onAssign: async (partitions) =>
        partitions.map((at) => ({
          ...at,
          offset: this.#parts.view.positions.get(at.partition) ?? 'earliest',
        })),
      onRevoke: async () => {},
      onBatch: (batch) => this.#onBatch(batch),
    }
    await this.#consumer.start(handler)
  }

  async stop(): Promise<void> {
    await this.#consumer.stop()
    await this.#erasures
    await this.#parts.view.close()
  }

  /** Takes out what the tombstones of a batch cover, unless the view has applied them; the set has them already. */
  onTombstones(
    { partition, nextOffset }: RecordBatch,
    tombstones: readonly (readonly [offset: number, tombstone: Tombstone])[],
  ): void {
    const { view } = this.#parts
    const applied = view.tombstonePositions.get(partition) ?? 0
    if (nextOffset <= applied) return
    // Begun at once, so that pages check every event from now on.
    const begun = tombstones
      .filter(([offset]) => offset >= applied)
      .map(([, tombstone]) => view.erase(tombstone, nextTurn))
    this.#erasures = Promise.all([this.#erasures, ...begun]).then(() =>
      view.markTombstones(new Map([[partition, nextOffset]])),
    )
  }

  #onBatch(batch: RecordBatch): Promise<void> {
    const events = batch.records.map((record) => this.#read(record)).filter((event) => event !== null)
    return new Promise((done, failed) => {
      this.#waiting.push({ batch, events, done, failed })
      this.#flushing ??= this.#flush()
    })
  }

  /** What the overlay holds need not be decoded again. What no reader can use, the live reader reports. */
  #read(record: LogRecord): LoggedEvent | null {
    const { partition, offset, key, value } = record
    if (value === null) return null
    const held = key === null ? undefined : this.#parts.overlay.get(key.toString('latin1'))
    if (held?.partition === partition && held.offset === offset)
      return { event: held.event, json: held.json, partition, offset }
    const event = readEventRecord(record, this.#parts.partitionCount, false)
    if (!event.ok || event.value === null) return null
    return { event: event.value, json: eventJson(event.value), partition, offset }
  }

  async #flush(): Promise<void> {
    await delayMs(GATHER_MS)
    const waiting = this.#waiting
    this.#waiting = []
    this.#flushing = null
    try {
      await this.#apply(waiting)
      for (const { done } of waiting) done()
    } catch (cause) {
      for (const { failed } of waiting) failed(cause)
    }
  }

  async #apply(waiting: readonly Waiting[]): Promise<void> {
    const { view, metrics } = this.#parts
    for (const slice of slicesOf(waiting, this.#isServing ? SLICE_EVENTS_SERVING : SLICE_EVENTS_FILLING)) {
      const startMs = performance.now()
      view.apply(slice)
      metrics.observe('relay_view_apply_seconds', {}, (performance.now() - startMs) / 1000)
      metrics.count('relay_view_events_applied_total', {}, slice.events.length)
      if (this.#isServing) this.#release(slice.nextOffsets)
      await nextTurn()
    }
    this.#serveIfThere()
    await this.#evict()
  }

  #release(nextOffsets: ReadonlyMap<number, number>): void {
    const { overlay, room, view } = this.#parts
    for (const [partition, nextOffset] of nextOffsets)
      overlay.releaseViewed(partition, nextOffset, (event) => view.isSettled(event))
    room.announce()
  }

  #serveIfThere(): void {
    if (this.#isServing || !this.#progress.isThere) return
    this.#isServing = true
    this.#progress.end()
    this.#release(this.#parts.view.positions)
  }

  async #evict(): Promise<void> {
    const { view, clock, isStored } = this.#parts
    for (let round = 0; round < EVICTIONS_PER_FLUSH_MAX; round++) {
      if (view.evict(clock.nowS(), isStored) === 0) return
      await nextTurn()
    }
  }

  #sample(): void {
    const { view, metrics } = this.#parts
    const { regular, versioned, addressesInDoubt } = view.state
    metrics.set('relay_view_serving', {}, this.#isServing ? 1 : 0)
    metrics.set('relay_view_events', { class: 'regular' }, regular.events)
    metrics.set('relay_view_events', { class: 'versioned' }, versioned.events)
    metrics.set('relay_view_bytes', { class: 'regular' }, regular.bytes)
    metrics.set('relay_view_bytes', { class: 'versioned' }, versioned.bytes)
    metrics.set('relay_view_horizon_timestamp_seconds', { class: 'regular' }, regular.horizon?.createdAt ?? 0)
    metrics.set(
      'relay_view_horizon_timestamp_seconds',
      { class: 'versioned' },
      versioned.horizon?.createdAt ?? 0,
    )
    metrics.set('relay_view_addresses_in_doubt', {}, addressesInDoubt)
    metrics.set('relay_view_file_bytes', {}, view.fileBytes)
  }
}

/** Cuts what waits into transactions, each naming how far it brings the partitions that it touches. */
function* slicesOf(waiting: readonly Waiting[], eventsMax: number) {
  let events: LoggedEvent[] = []
  let nextOffsets = new Map<number, number>()
  for (const { batch, events: all } of waiting) {
    for (const event of all) {
      events.push(event)
      nextOffsets.set(batch.partition, event.offset + 1)
      if (events.length < eventsMax) continue
      yield { events, nextOffsets }
      events = []
      nextOffsets = new Map()
    }
    nextOffsets.set(batch.partition, batch.nextOffset)
  }
  if (nextOffsets.size > 0) yield { events, nextOffsets }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
