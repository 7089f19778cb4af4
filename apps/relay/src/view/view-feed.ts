import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeTombstone } from '@millrace/codec'
import type { LoggedEvent, LogPlace, ServingView, Settlement, StoredEvent } from '@millrace/event-store'
import type {
  ConsumerHandler,
  KafkaLogger,
  Log,
  LogConsumer,
  LogRecord,
  RecordBatch,
  TopicPartition,
} from '@millrace/kafka'
import { type Clock, delayMs, err, FaultError, type Result, transient } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import { isTickKey, TOPICS } from '@millrace/topics'
import type { ViewApplied } from './edge-view.ts'
import { type FillBounds, FillBuffer } from './fill-buffer.ts'
import { readStoredRecord } from './stored-record.ts'
import { type ViewCompacted, ViewCompaction } from './view-compaction.ts'
import { ViewProgress } from './view-progress.ts'
import { slicesOf } from './view-slices.ts'

export interface ViewFeedParts {
  readonly kafka: Pick<Log, 'consumer' | 'readToEnd'>
  readonly edgeId: string
  readonly view: ServingView
  /** The set that the view was opened with; this feed fills it. */
  readonly tombstones: TombstoneSet
  readonly partitionCount: number
  readonly clock: Clock
  readonly log: KafkaLogger
  /** Events in one transaction, which holds the event loop of this thread. */
  readonly transactionEventsMax: number
  /** What is gathered for one transaction while the view is filled; null: fill it in transactions as small as the others. */
  readonly fill: FillBounds | null
  readonly erasureDeadlineS: number
  /** As in `ViewCompaction`. */
  readonly follow: () => Promise<void>
  readonly onApplied: (applied: ViewApplied) => void
}

/** Events of one partition that wait to be applied. */
interface Waiting {
  readonly batch: RecordBatch
  readonly done: () => void
  readonly failed: (cause: unknown) => void
}

/** Time for other partitions to join a transaction, milliseconds. */
const GATHER_MS = 5
/**
 * Between two looks at the log once the view is level with it, milliseconds: an event costs half in a transaction of hundreds, and
 * nobody waits for it, because the overlay answers for what is not applied.
 */
const REST_MS = 200
const BATCH_RECORDS_MAX = 2_000
/** Transactions that take out what is too much, after each round of events. */
const EVICTIONS_PER_ROUND_MAX = 50

/**
 * Keeps the serving view up with the log: reads all tombstones, then nostr.events from the view's own watermarks, in a group
 * of its own, and applies them. The view may answer once it has what the log had at the start.
 */
export class ViewFeed {
  readonly #parts: ViewFeedParts
  readonly #consumer: LogConsumer
  readonly #progress: ViewProgress
  readonly #compaction: ViewCompaction
  readonly #tombstonesNext = new Map<number, number>()
  #stored: ReadonlyMap<number, number> = new Map()
  #waiting: Waiting[] = []
  /** Null: the view is not being filled, or not in large transactions. */
  #fill: FillBuffer | null = null
  #flushing: Promise<void> | null = null
  #isServing = false
  #isEvicting = false
  #isStopped = false
  readonly #failed = Promise.withResolvers<Result<void>>()

  constructor(parts: ViewFeedParts) {
    this.#parts = parts
    this.#progress = new ViewProgress(parts.view, parts.log)
    this.#compaction = new ViewCompaction({
      ...parts,
      onCompacted: (compacted) => this.#tell(0, 0, compacted),
      onFailure: this.#fail,
    })
    this.#consumer = parts.kafka.consumer({
      groupId: `view.${parts.edgeId}`,
      topics: [TOPICS.events, TOPICS.tombstones],
      exclusive: true,
      batchRecordsMax: BATCH_RECORDS_MAX,
      restMs: REST_MS,
    })
  }

  get isServing(): boolean {
    return this.#isServing
  }

  /** Settles when reading ends: a fault when it cannot go on. */
  get ended(): Promise<Result<void>> {
    return Promise.race([this.#consumer.ended, this.#failed.promise])
  }

  /** @param ends of nostr.events by partition: the view serves once it has read up to them */
  async start(ends: ReadonlyMap<number, number>): Promise<void> {
    await this.#parts.kafka.readToEnd(TOPICS.tombstones, (batch) => this.#onTombstones(batch))
    this.#progress.begin(ends)
    const { fill, view } = this.#parts
    if (fill !== null && !this.#progress.isThere) this.#fill = new FillBuffer(fill, view.positions, ends)
    this.#serveIfThere(0, 0)
    const handler: ConsumerHandler = {
      onAssign: async (partitions) =>
        partitions.map((at) => ({ ...at, offset: this.#startOf(at) ?? ('earliest' as const) })),
      onRevoke: async () => {},
      onBatch: (batch) =>
        (batch.topic === TOPICS.events ? this.#onEvents(batch) : this.#onTombstones(batch)).catch((cause) => {
          throw new FaultError(failureOf(cause))
        }),
    }
    await this.#consumer.start(handler)
    this.#compaction.start()
  }

  /** Storage's watermarks: what they cover may leave the view. */
  stored(nextOffsets: ReadonlyMap<number, number>): void {
    if (this.#isStopped) return
    this.#stored = nextOffsets
    this.#keepStored(nextOffsets).catch(this.#fail)
  }

  /** What the store says about addresses in doubt. */
  settle(settlements: readonly Settlement[]): void {
    this.#settle(settlements).catch(this.#fail)
  }

  async #settle(settlements: readonly Settlement[]): Promise<void> {
    await this.#compaction.idle()
    if (this.#isStopped) return
    this.#parts.view.settle(settlements)
    this.#tell(0, 0)
  }

  async #keepStored(nextOffsets: ReadonlyMap<number, number>): Promise<void> {
    await this.#compaction.idle()
    if (this.#isStopped) return
    this.#parts.view.markStored(nextOffsets)
    await this.#evict()
  }

  readonly #fail = (cause: unknown): void => this.#failed.resolve(err(failureOf(cause)))

  async stop(): Promise<void> {
    await this.#compaction.stop()
    await this.#consumer.stop()
    this.#isStopped = true
    await this.#flushing
    await this.#parts.view.close()
  }

  #startOf({ topic, partition }: TopicPartition): number | undefined {
    const positions = topic === TOPICS.events ? this.#parts.view.positions : this.#tombstonesNext
    return positions.get(partition)
  }

  /** The set holds all of them again after a restart; the view has applied those before its own watermark. */
  async #onTombstones({ partition, records, nextOffset }: RecordBatch): Promise<void> {
    const { view, tombstones, log } = this.#parts
    const applied = view.tombstonePositions.get(partition) ?? 0
    for (const { key, value, offset } of records) {
      if (value === null || isTickKey(key)) continue
      const tombstone = decodeTombstone(value)
      if (!tombstone.ok) {
        log.error({ partition, offset, code: tombstone.fault.code }, 'tombstone skipped by the serving view')
        continue
      }
      tombstones.apply(tombstone.value)
      if (offset < applied) continue
      await this.#compaction.idle()
      await view.erase(tombstone.value, this.#pause)
    }
    this.#tombstonesNext.set(partition, nextOffset)
    if (nextOffset <= applied) return
    await this.#compaction.idle()
    view.markTombstones(new Map([[partition, nextOffset]]))
    // Only a report, for the erasure ledger: the view's own watermark rules.
    void this.#consumer.commit([{ topic: TOPICS.tombstones, partition, offset: nextOffset }])
    this.#tell(0, 0)
  }

  readonly #pause = async (): Promise<void> => {
    await nextTurn()
    await this.#compaction.idle()
  }

  #onEvents(batch: RecordBatch): Promise<void> {
    if (this.#fill !== null) return this.#fillWith(batch, this.#fill)
    return new Promise((done, failed) => {
      this.#waiting.push({ batch, done, failed })
      this.#flushing ??= this.#flush()
    })
  }

  /** Takes the batch over; who delivers it waits only while a transaction runs. */
  async #fillWith(batch: RecordBatch, buffer: FillBuffer): Promise<void> {
    buffer.add(batch)
    if (!buffer.isDue) return
    if (buffer.hasAll) this.#fill = null
    await this.#apply(buffer.take(), Number.POSITIVE_INFINITY)
  }

  /** One by one inside the transaction: each is gone before the next is read. */
  *#read(records: readonly LogRecord[], counter: { events: number }): Generator<LoggedEvent | StoredEvent> {
    for (const record of records) {
      const event = readStoredRecord(record, this.#parts.partitionCount)
      if (event === null) continue
      counter.events++
      yield event
    }
  }

  async #flush(): Promise<void> {
    await delayMs(GATHER_MS)
    const waiting = this.#waiting
    this.#waiting = []
    this.#flushing = null
    try {
      await this.#apply(
        waiting.map(({ batch }) => batch),
        this.#parts.transactionEventsMax,
      )
      for (const { done } of waiting) done()
    } catch (cause) {
      for (const { failed } of waiting) failed(cause)
    }
  }

  async #apply(batches: readonly RecordBatch[], recordsMax: number): Promise<void> {
    for (const { records, nextOffsets } of slicesOf(batches, recordsMax)) {
      await this.#compaction.idle()
      const startMs = performance.now()
      const counter = { events: 0 }
      this.#parts.view.apply({ events: this.#read(records, counter), nextOffsets })
      this.#serveIfThere(counter.events, (performance.now() - startMs) / 1000)
      await nextTurn()
    }
    await this.#evict()
  }

  #serveIfThere(events: number, seconds: number): void {
    if (!this.#isServing && this.#progress.isThere) {
      this.#isServing = true
      this.#progress.end()
    }
    this.#tell(events, seconds)
  }

  #tell(events: number, seconds: number, compacted?: ViewCompacted): void {
    const { view, onApplied } = this.#parts
    const { fileBytes, erasedSinceMs } = view
    const isServing = this.#isServing
    onApplied({ events, seconds, fileBytes, erasedSinceMs, isServing, ...(compacted && { compacted }) })
  }

  async #evict(): Promise<void> {
    if (this.#isEvicting || this.#isStopped) return
    this.#isEvicting = true
    let evicted = 0
    for (let round = 0; round < EVICTIONS_PER_ROUND_MAX; round++) {
      await this.#compaction.idle()
      if (this.#isStopped) break
      const left = this.#parts.view.evict(this.#parts.clock.nowS(), this.#isStored)
      if (left === 0) break
      evicted += left
      await nextTurn()
    }
    // Nothing else may come for long that has readers look at the horizon.
    if (evicted > 0 && !this.#isStopped) this.#tell(0, 0)
    this.#isEvicting = false
  }

  readonly #isStored = ({ partition, offset }: LogPlace): boolean =>
    offset < (this.#stored.get(partition) ?? 0)
}

const failureOf = (cause: unknown) =>
  transient('internal', `the serving view failed: ${String(cause)}`, cause)
