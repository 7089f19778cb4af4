import { delayMs, FaultError, transient } from '@millrace/kernel'
import { partitionKey } from '../consuming/backend.ts'
import { ConcurrencyGate } from '../consuming/concurrency-gate.ts'
import { CONSUMER_DEFAULTS } from '../consuming/group-consumer.ts'
import { Lane } from '../consuming/lane.ts'
import { Notice } from '../consuming/notice.ts'
import type { Offset, RecordBatch, Stretch, TopicPartition } from '../port.ts'
import type { ClusterHandle } from './cluster-handle.ts'
import { FetchLoop } from './consume/fetch-loop.ts'
import { partitionRanges, partitionsOf } from './consume/partition-ranges.ts'
import type { KafkaLogger } from './kafka-logger.ts'
import { retrying } from './retrying.ts'

const DEADLINE_MS = 10_000
const SILENCE_MS_MAX = 30_000

interface Unread {
  readonly at: TopicPartition
  readonly start: Offset
  readonly end: Offset
}

/**
 * Reads a topic's partitions from their first records to the ends they have now; one batch at a time is with `onBatch`.
 * Rejects with what `onBatch` threw, or FaultError: topic-mismatch (no such topic), kafka-unavailable (nothing came for
 * 30 s).
 */
export async function readToEnd(
  handle: ClusterHandle,
  topic: string,
  onBatch: (batch: RecordBatch) => void | Promise<void>,
  log: KafkaLogger,
  wanted?: ReadonlyMap<number, Stretch>,
): Promise<void> {
  const stretches = await unread(handle, topic, log, wanted)
  if (stretches.length === 0) return
  const reading = new Reading(stretches, onBatch)
  const { fetchBytesMax, maxWaitMs } = CONSUMER_DEFAULTS
  const loop = new FetchLoop(handle, { topics: [topic], maxWaitMs, restMs: 0, fetchBytesMax }, log)
  void reading.watchSilence()
  await loop.run(reading.lanes, reading.notice, reading.signal).catch((error: unknown) => reading.fail(error))
  await reading.finish()
}

/** What the partitions hold of what is wanted, where that is something. */
async function unread(
  handle: ClusterHandle,
  topic: string,
  log: KafkaLogger,
  wanted: ReadonlyMap<number, Stretch> | undefined,
): Promise<readonly Unread[]> {
  const stretches = await retrying(
    { handle, topics: [topic], log, deadlineMs: DEADLINE_MS },
    async (cluster) => {
      const partitions = partitionsOf(cluster, [topic]).filter(
        ({ partition }) => wanted === undefined || wanted.has(partition),
      )
      const ranges = await partitionRanges(cluster, partitions)
      return partitions.map((at) => {
        const range = ranges.get(partitionKey(at))
        const { from = 0, until = Number.MAX_SAFE_INTEGER } = wanted?.get(at.partition) ?? {}
        return { at, start: Math.max(range?.earliest ?? 0, from), end: Math.min(range?.end ?? 0, until) }
      })
    },
  )
  return (stretches ?? []).filter(({ start, end }) => start < end)
}

class Reading {
  readonly lanes: readonly Lane[]
  readonly notice = new Notice()
  readonly #over = new AbortController()
  readonly #remaining: Set<number>
  readonly #onBatch: (batch: RecordBatch) => void | Promise<void>
  #failure: { readonly error: unknown } | null = null
  #lastMs = performance.now()

  constructor(stretches: readonly Unread[], onBatch: (batch: RecordBatch) => void | Promise<void>) {
    const gate = new ConcurrencyGate(1)
    this.#onBatch = onBatch
    this.#remaining = new Set(stretches.map(({ at }) => at.partition))
    this.lanes = stretches.map(
      ({ at, start, end }) =>
        new Lane(at, start, end, {
          batchRecordsMax: CONSUMER_DEFAULTS.batchRecordsMax,
          bufferedBytesMax: CONSUMER_DEFAULTS.fetchBytesMax,
          gate,
          signal: this.signal,
          untilOffset: end,
          onFailure: (error) => this.fail(error),
          onHungry: () => this.notice.notify(),
          deliver: (batch) => this.#deliver(batch, end),
        }),
    )
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#over.abort()
  }

  async #deliver(batch: RecordBatch, end: Offset): Promise<void> {
    const records = batch.records.filter(({ offset }) => offset < end)
    const nextOffset = Math.min(batch.nextOffset, end)
    await this.#onBatch({ ...batch, records, nextOffset, endOffset: end })
    this.#lastMs = performance.now()
    if (nextOffset === end) this.#remaining.delete(batch.partition)
    if (this.#remaining.size === 0) this.#over.abort()
  }

  async watchSilence(): Promise<void> {
    while (!this.signal.aborted) {
      await delayMs(1_000, this.signal)
      const busy = this.lanes.some((lane) => lane.busy)
      if (!busy && performance.now() - this.#lastMs > SILENCE_MS_MAX)
        this.fail(
          new FaultError(transient('kafka-unavailable', 'nothing came from Kafka while reading to the end')),
        )
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.idle()))
    if (this.#failure) throw this.#failure.error
  }
}
