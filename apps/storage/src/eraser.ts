import { decodeTombstone } from '@millrace/codec'
import type { ErasableStore } from '@millrace/erasure'
import type { Log, LogConsumer, Offset, RecordBatch } from '@millrace/kafka'
import { type Clock, delayMs, FaultError, ok, type Result } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import {
  type RetryOptions,
  startPositions,
  untilSettled,
  type WatermarkMove,
  type WatermarkStore,
} from '@millrace/pipeline'
import { isTickKey, TOPICS } from '@millrace/topics'

export interface EraserParts {
  readonly log: Log
  /** A group of this instance alone; the erasure ledger reads its committed offsets. */
  readonly group: string
  readonly store: Pick<ErasableStore, 'erase' | 'oldestTraceMs'>
  /** Watermarks of this instance's own: another one may write rows that it has read before a tombstone. */
  readonly watermarks: WatermarkStore
  readonly readLogId: () => Promise<Result<string>>
  /** How far this instance hides what tombstones cover: after that it writes no covered row any more. */
  readonly hidden: () => ReadonlyMap<number, Offset>
  /** Time for company, milliseconds: a mutation goes through all parts, whatever it deletes. */
  readonly waitMs: number
  readonly batchTombstonesMax: number
  readonly retry: Omit<RetryOptions, 'signal'>
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

interface Waiting {
  readonly batch: RecordBatch
  readonly done: () => void
  readonly failed: (cause: unknown) => void
}

const POLL_MS = 100

/**
 * Deletes from the store what tombstones have hidden in it. A reader of nostr.tombstones of its own, behind the one that hides: it may
 * take minutes for a batch, and neither inserts nor hiding ever wait for it. Its watermark moves once the rows and the parts that held
 * them are gone.
 */
export class Eraser {
  readonly #parts: EraserParts
  readonly #consumer: LogConsumer
  readonly #stopping = new AbortController()
  readonly #ended = Promise.withResolvers<Result<void>>()
  #waiting: Waiting[] = []
  #running: Promise<void> = Promise.resolve()
  #logId = ''

  constructor(parts: EraserParts) {
    this.#parts = parts
    this.#consumer = parts.log.consumer({
      groupId: parts.group,
      topics: [TOPICS.tombstones],
      exclusive: true,
      batchRecordsMax: parts.batchTombstonesMax,
      // A batch is with its owner until it is erased, and that is no stall.
      restMs: Math.min(parts.waitMs, 1_000),
    })
  }

  get ended(): Promise<Result<void>> {
    return this.#ended.promise
  }

  async start(): Promise<Result<void>> {
    const { log, watermarks, readLogId } = this.#parts
    const begun = await untilSettled(async () => {
      const logId = await readLogId()
      if (!logId.ok) return logId
      const marks = await watermarks.read(TOPICS.tombstones)
      if (!marks.ok) return marks
      const admin = await log.admin()
      const ranges = await admin.offsets(TOPICS.tombstones).finally(() => admin.close())
      const ends = new Map(ranges.map(({ partition, end }) => [partition, end]))
      const checked = startPositions([], logId.value, marks.value, ends)
      return checked.ok ? ok({ logId: logId.value, marks: marks.value }) : checked
    }, this.#retry)
    if (!begun.ok) return begun
    this.#logId = begun.value.logId
    const { marks } = begun.value
    void this.#consumer.ended.then((result) => this.#ended.resolve(result))
    this.#running = this.#run()
    await this.#consumer.start({
      onAssign: async (partitions) =>
        partitions.map((at) => ({ ...at, offset: marks.get(at.partition)?.nextOffset ?? 'earliest' })),
      onRevoke: async () => {},
      onBatch: (batch) =>
        new Promise((done, failed) => {
          this.#waiting.push({ batch, done, failed })
        }),
    })
    return ok(undefined)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    for (const { done } of this.#waiting.splice(0)) done()
    await this.#consumer.stop()
    this.#ended.resolve(ok(undefined))
  }

  get #retry(): RetryOptions {
    return { ...this.#parts.retry, signal: this.#stopping.signal }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await delayMs(this.#parts.waitMs, signal)
      const waiting = this.#waiting.splice(0)
      if (waiting.length === 0) continue
      const erased = await this.#eraseAll(waiting.map(({ batch }) => batch))
      for (const { done, failed } of waiting)
        if (erased.ok || signal.aborted) done()
        else failed(new FaultError(erased.fault))
    }
  }

  async #eraseAll(batches: readonly RecordBatch[]): Promise<Result<void>> {
    const { store, watermarks, logger, metrics } = this.#parts
    const tombstones = batches.flatMap(tombstonesOf)
    metrics.set('storage_erasure_backlog_tombstones', {}, tombstones.length)
    await this.#untilHidden(batches)
    const startMs = performance.now()
    const erased = await untilSettled(() => this.#erase(store, tombstones), this.#retry)
    if (!erased.ok) return erased
    const seconds = (performance.now() - startMs) / 1000
    if (tombstones.length > 0) {
      metrics.observe('storage_erasure_seconds', {}, seconds)
      logger.info(
        { tombstones: tombstones.length, seconds: Math.round(seconds) },
        'rows of erased events are deleted',
      )
    }
    metrics.set('storage_erasure_backlog_tombstones', {}, 0)
    const moves = batches.map(
      ({ partition, nextOffset, records }): WatermarkMove => ({
        partition,
        nextOffset,
        appendedAtMs: records.at(-1)?.timestampMs ?? 0,
      }),
    )
    const marked = await untilSettled(
      () => watermarks.write(TOPICS.tombstones, this.#logId, moves),
      this.#retry,
    )
    if (!marked.ok) return marked
    await this.#consumer
      .commit(
        moves.map(({ partition, nextOffset }) => ({
          topic: TOPICS.tombstones,
          partition,
          offset: nextOffset,
        })),
      )
      .catch(() => logger.warn({}, 'offsets could not be committed'))
    return ok(undefined)
  }

  /** Also without tombstones: an erasure that a crash has cut off is gone on with. */
  async #erase(store: EraserParts['store'], tombstones: readonly Tombstone[]): Promise<Result<void>> {
    if (tombstones.length > 0) return store.erase(tombstones)
    const oldest = await store.oldestTraceMs()
    return oldest.ok && oldest.value === null ? ok(undefined) : store.erase([])
  }

  async #untilHidden(batches: readonly RecordBatch[]): Promise<void> {
    const { signal } = this.#stopping
    const isHidden = () => {
      const hidden = this.#parts.hidden()
      return batches.every(({ partition, nextOffset }) => (hidden.get(partition) ?? 0) >= nextOffset)
    }
    while (!isHidden() && !signal.aborted) await delayMs(POLL_MS, signal)
  }
}

/** What cannot be decoded is the hiding reader's to report. */
function tombstonesOf({ records }: RecordBatch): readonly Tombstone[] {
  return records.flatMap(({ key, value }) => {
    if (value === null || isTickKey(key)) return []
    const tombstone = decodeTombstone(value)
    return tombstone.ok ? [tombstone.value] : []
  })
}
