import { backoffMs, delayMs, err, type Fault, FaultError, ok, type Result, transient } from '@millrace/kernel'
import type {
  ConsumerHandler,
  ConsumerOptions,
  LogConsumer,
  Offset,
  StartPosition,
  TopicPartition,
} from '../port.ts'
import { type ConsumerBackend, type Membership, partitionKey } from './backend.ts'
import { ConcurrencyGate } from './concurrency-gate.ts'
import { Lane } from './lane.ts'
import { Notice } from './notice.ts'
import { StallWatch } from './stall-watch.ts'
import { type PartitionStart, startOffsets } from './start-offsets.ts'

export const CONSUMER_DEFAULTS = {
  exclusive: false,
  sessionTimeoutMs: 10_000,
  maxWaitMs: 250,
  restMs: 0,
  fetchBytesMax: 1024 * 1024,
  partitionsConcurrent: Number.POSITIVE_INFINITY,
  stallTimeoutMs: 30_000,
  batchRecordsMax: 5_000,
} as const satisfies Omit<Required<ConsumerOptions>, 'groupId' | 'topics'>

const PAST_END_PATIENCE_MS = 2_000
const PAST_END_POLL_MS = 100

export type ResolvedConsumerOptions = Required<ConsumerOptions>

export const resolveConsumerOptions = (options: ConsumerOptions): ResolvedConsumerOptions => ({
  ...CONSUMER_DEFAULTS,
  ...options,
})

/** What a consumer tells about itself. */
export interface ConsumeObserver {
  assigned?(partitions: readonly TopicPartition[]): void
  /** How many offsets the owner is behind the end, after each batch. */
  lag?(at: TopicPartition, records: number): void
  revoked?(partitions: readonly TopicPartition[]): void
  /** The owner or the log could not say where to start; it is asked again. */
  retrying?(error: unknown): void
}

/**
 * The life of a consumer, the same on every adapter: join, ask the owner where to start, feed the lanes, and on a
 * rebalance abort, wait for the owner, revoke and join again.
 */
export class GroupConsumer implements LogConsumer {
  readonly ended: Promise<Result<void>>
  readonly #backend: ConsumerBackend
  readonly #options: ResolvedConsumerOptions
  readonly #observer: ConsumeObserver
  readonly #stopping = new AbortController()
  #settleEnded!: (result: Result<void>) => void
  #started = false
  #onFirstAssignment: () => void = () => undefined

  constructor(backend: ConsumerBackend, options: ResolvedConsumerOptions, observer: ConsumeObserver = {}) {
    this.#backend = backend
    this.#options = options
    this.#observer = observer
    this.ended = new Promise((resolve) => {
      this.#settleEnded = resolve
    })
  }

  async start(handler: ConsumerHandler): Promise<void> {
    if (this.#started) throw new Error('a consumer starts once')
    this.#started = true
    const assigned = new Promise<void>((resolve) => {
      this.#onFirstAssignment = resolve
    })
    void this.#run(handler)
    const early = await Promise.race([assigned, this.ended])
    if (early && !early.ok) throw new FaultError(early.fault)
  }

  async commit(positions: readonly (TopicPartition & { readonly offset: Offset })[]): Promise<void> {
    if (positions.length > 0 && !this.#stopping.signal.aborted) await this.#backend.commit(positions)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    if (!this.#started) {
      this.#started = true
      this.#settleEnded(ok(undefined))
    }
    await this.ended
  }

  async #run(handler: ConsumerHandler): Promise<void> {
    const result = await this.#generations(handler).catch((error: unknown) => err(faultOf(error)))
    this.#stopping.abort()
    await this.#backend.close()
    this.#settleEnded(result)
  }

  async #generations(handler: ConsumerHandler): Promise<Result<void>> {
    while (!this.#stopping.signal.aborted) {
      const membership = await this.#backend.join(this.#stopping.signal)
      if (membership) await this.#generation(handler, membership)
    }
    return ok(undefined)
  }

  async #generation(handler: ConsumerHandler, { partitions, over }: Membership): Promise<void> {
    const ending = new AbortController()
    void over.then(() => ending.abort())
    const signal = AbortSignal.any([this.#stopping.signal, ending.signal])
    let failed: unknown = null
    const fail = (error: unknown) => {
      failed ??= error
      ending.abort()
    }
    const hungry = new Notice()
    let lanes: readonly Lane[] = []
    try {
      lanes = await this.#lanes(handler, partitions, { signal, fail, hungry })
      this.#observer.assigned?.(partitions)
      this.#onFirstAssignment()
      await Promise.all([
        this.#backend.read(lanes, hungry, signal).catch(fail),
        this.#watch(lanes, signal).catch(fail),
      ])
    } catch (error) {
      fail(error)
    } finally {
      ending.abort()
      await Promise.all(lanes.map((lane) => lane.idle()))
      this.#observer.revoked?.(partitions)
      if (partitions.length > 0) await handler.onRevoke(partitions)
    }
    if (failed) throw failed
  }

  async #lanes(
    handler: ConsumerHandler,
    partitions: readonly TopicPartition[],
    wiring: { signal: AbortSignal; fail: (error: unknown) => void; hungry: Notice },
  ): Promise<readonly Lane[]> {
    if (partitions.length === 0) return []
    const { signal, fail, hungry } = wiring
    const positions = await this.#persist(signal, () => handler.onAssign(partitions))
    const starts = positions && (await this.#starts(partitions, positions, signal))
    const gate = new ConcurrencyGate(this.#options.partitionsConcurrent)
    return (starts ?? []).map(
      ({ at, start, end }) =>
        new Lane(at, start, end, {
          batchRecordsMax: this.#options.batchRecordsMax,
          bufferedBytesMax: this.#options.fetchBytesMax,
          gate,
          signal,
          deliver: async (batch, laneSignal) => {
            await handler.onBatch(batch, laneSignal)
            this.#observer.lag?.(at, batch.endOffset - batch.nextOffset)
          },
          onFailure: fail,
          onHungry: () => hungry.notify(),
        }),
    )
  }

  /** A broker that just restarted may know its end late: only an end that stays behind the watermark is a foreign log. */
  async #starts(
    partitions: readonly TopicPartition[],
    positions: readonly StartPosition[],
    signal: AbortSignal,
  ): Promise<readonly PartitionStart[] | null> {
    const deadlineMs = performance.now() + PAST_END_PATIENCE_MS
    while (true) {
      const ranges = await this.#persist(signal, () => this.#backend.ranges(partitions))
      if (!ranges) return null
      const starts = startOffsets(partitions, positions, ranges)
      if (starts.ok) return starts.value
      if (starts.fault.code !== 'watermark-past-end' || performance.now() > deadlineMs)
        throw new FaultError(starts.fault)
      await delayMs(PAST_END_POLL_MS, signal)
    }
  }

  /** Repeats what fails for a passing reason until it succeeds or the signal aborts (null); lasting faults go through. */
  async #persist<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T | null> {
    for (const waitMs of backoffMs({ initialMs: 100, maxMs: 5_000 })) {
      try {
        return await attempt()
      } catch (error) {
        if (error instanceof FaultError && error.fault.kind !== 'transient') throw error
        if (signal.aborted) return null
        this.#observer.retrying?.(error)
        await delayMs(waitMs, signal)
        if (signal.aborted) return null
      }
    }
    return null
  }

  async #watch(lanes: readonly Lane[], signal: AbortSignal): Promise<void> {
    if (lanes.length === 0) return
    const { stallTimeoutMs, groupId } = this.#options
    const watch = new StallWatch(stallTimeoutMs)
    while (true) {
      await delayMs(stallTimeoutMs / 4, signal)
      if (signal.aborted) return
      const ranges = await this.#backend.ranges(lanes).catch(() => null)
      if (!ranges) continue
      const partitions = lanes.map((lane) => ({
        topic: lane.topic,
        partition: lane.partition,
        position: lane.position,
        endOffset: ranges.get(partitionKey(lane))?.end ?? lane.endOffset,
        busy: lane.busy,
      }))
      const stalled = watch.check(partitions, performance.now())
      if (stalled)
        throw new FaultError(
          transient(
            'consumer-stalled',
            `${groupId} stands still at ${stalled.position} of ${partitionKey(stalled)}`,
          ),
        )
    }
  }
}

const faultOf = (error: unknown): Fault =>
  error instanceof FaultError ? error.fault : transient('internal', 'a consumer callback failed', error)
