import { decodeTombstone } from '@millrace/codec'
import type { Log, LogConsumer, LogProducer, Offset, RecordBatch } from '@millrace/kafka'
import {
  type BackoffOptions,
  type Clock,
  err,
  FaultError,
  ok,
  type Result,
  systemClock,
} from '@millrace/kernel'
import { type Tombstone, TombstoneSet } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import { isTickKey, TOPICS } from '@millrace/topics'
import { Breaker, type BreakerOptions } from './breaker.ts'
import { appendAll, deadLetterOf, type Output, type Refusal } from './output.ts'
import { faultOf, type RetryOptions, untilSettled } from './retry.ts'
import type { WatermarkStore } from './sink.ts'
import { startPositions } from './start-positions.ts'

export interface TombstoneFollowerOptions {
  readonly log: Log
  readonly producer: LogProducer
  /** A consumer group that belongs to this process alone: every enforcer holds all tombstones (DESIGN 2.6). */
  readonly group: string
  /** Filled by the follower; default: a new set. */
  readonly tombstones?: TombstoneSet
  /** Erases from the store; idempotent, durable when it answers ok. */
  readonly apply: (tombstones: readonly Tombstone[]) => Promise<Result<void>>
  /** Watermarks of this process's own: what another process has applied says nothing about rows this one wrote. */
  readonly store: WatermarkStore
  readonly readLogId: () => Promise<Result<string>>
  readonly deadLetters: Output
  readonly breaker: BreakerOptions
  readonly backoff: BackoffOptions
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock?: Clock
}

/**
 * Holds every tombstone in memory and applies those that the store lacks. `start` resolves once the topic was read to its
 * end, before any event is applied; from then on the topic is followed.
 */
export class TombstoneFollower {
  readonly tombstones: TombstoneSet
  readonly #options: TombstoneFollowerOptions
  readonly #clock: Clock
  readonly #breaker: Breaker
  readonly #consumer: LogConsumer
  readonly #stopping = new AbortController()
  readonly #retry: RetryOptions
  readonly #reached = new Map<number, Offset>()
  readonly #applied = new Map<number, Offset>()
  readonly #ended = Promise.withResolvers<Result<void>>()
  #logId = ''
  #isComplete = false

  constructor(options: TombstoneFollowerOptions) {
    this.#options = options
    this.tombstones = options.tombstones ?? new TombstoneSet()
    this.#clock = options.clock ?? systemClock
    this.#breaker = new Breaker(options.breaker, this.#clock)
    this.#consumer = options.log.consumer({
      groupId: options.group,
      topics: [TOPICS.tombstones],
      exclusive: true,
    })
    this.#retry = {
      backoff: options.backoff,
      signal: this.#stopping.signal,
      onRetry: ({ code }) => options.logger.warn({ group: options.group, code }, 'waiting to try again'),
    }
  }

  /** Settles when following ends: ok after stop(), a fault when it cannot go on. */
  get ended(): Promise<Result<void>> {
    return this.#ended.promise
  }

  /** Why the set is not complete yet, null when it is. */
  get problem(): string | null {
    return this.#isComplete ? null : 'tombstones not read yet'
  }

  /** Next offset by partition: what lies before it is applied to the store. */
  get applied(): ReadonlyMap<number, Offset> {
    return this.#applied
  }

  /** Reads the topic to its end, then follows it. Faults: log-foreign, watermark-past-end, shutting-down. */
  async start(): Promise<Result<void>> {
    const checked = await untilSettled(() => this.#readWatermarks(), this.#retry)
    if (!checked.ok) return checked
    const read = await untilSettled(async () => {
      await this.#options.log.readToEnd(TOPICS.tombstones, (batch) => this.#take(batch))
      return ok(undefined)
    }, this.#retry)
    if (!read.ok) return read
    this.#isComplete = true
    const { logger, group } = this.#options
    logger.info({ group, tombstones: this.tombstones.size }, 'tombstones read to the end')
    void this.#consumer.ended.then((result) => this.#ended.resolve(result))
    await this.#consumer.start({
      onAssign: async (partitions) =>
        partitions.map((at) => ({ ...at, offset: this.#reached.get(at.partition) ?? 'earliest' })),
      onRevoke: async () => {},
      onBatch: (batch) => this.#follow(batch),
    })
    return ok(undefined)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#consumer.stop()
    this.#ended.resolve(ok(undefined))
  }

  async #readWatermarks(): Promise<Result<void>> {
    const { log, store, readLogId } = this.#options
    const logId = await readLogId()
    if (!logId.ok) return logId
    const marks = await store.read(TOPICS.tombstones)
    if (!marks.ok) return marks
    const admin = await log.admin()
    const ranges = await admin.offsets(TOPICS.tombstones).finally(() => admin.close())
    const ends = new Map(ranges.map(({ partition, end }) => [partition, end]))
    const checked = startPositions([], logId.value, marks.value, ends)
    if (!checked.ok) return checked
    this.#logId = logId.value
    for (const [partition, { nextOffset }] of marks.value) this.#applied.set(partition, nextOffset)
    return ok(undefined)
  }

  /** Errors end the consumer through its own `ended`. */
  async #follow(batch: RecordBatch): Promise<void> {
    await this.#take(batch)
    await this.#consumer
      .commit([{ topic: batch.topic, partition: batch.partition, offset: batch.nextOffset }])
      .catch((cause: unknown) =>
        this.#options.logger.warn({ code: faultOf(cause).code }, 'offsets could not be committed'),
      )
  }

  async #take(batch: RecordBatch): Promise<void> {
    const fresh: Tombstone[] = []
    const refusals: Refusal[] = []
    const applied = this.#applied.get(batch.partition) ?? 0
    for (const record of batch.records) {
      if (record.value === null || isTickKey(record.key)) continue
      const tombstone = decodeTombstone(record.value)
      if (!tombstone.ok) {
        if (record.offset >= applied)
          refusals.push({ record, step: 'decodeTombstone', fault: tombstone.fault })
        continue
      }
      this.tombstones.apply(tombstone.value)
      if (record.offset >= applied) fresh.push(tombstone.value)
    }
    this.#reached.set(batch.partition, batch.nextOffset)
    if (batch.nextOffset <= applied) return
    for (const work of [() => this.#bury(refusals), () => this.#erase(fresh), () => this.#mark(batch)]) {
      const done = await untilSettled(work, this.#retry)
      if (!done.ok) throw new FaultError(done.fault)
    }
    this.#applied.set(batch.partition, batch.nextOffset)
  }

  async #bury(refusals: readonly Refusal[]): Promise<Result<void>> {
    if (refusals.length === 0) return ok(undefined)
    const { producer, deadLetters, group, metrics } = this.#options
    for (const { record, fault } of refusals) {
      const broken = this.#breaker.dead(record.partition, fault)
      if (broken) return err(broken)
      metrics.count('dead_letters_total', { code: fault.code })
    }
    const origin = { logId: this.#logId, group, nowMs: this.#clock.nowMs() }
    const letters = refusals.map((refusal) => deadLetterOf(refusal, origin))
    return appendAll(producer, deadLetters, letters)
  }

  #erase(fresh: readonly Tombstone[]): Promise<Result<void>> {
    return fresh.length === 0 ? Promise.resolve(ok(undefined)) : this.#options.apply(fresh)
  }

  #mark({ partition, nextOffset, records }: RecordBatch): Promise<Result<void>> {
    const appendedAtMs = records.at(-1)?.timestampMs ?? 0
    return this.#options.store.write(TOPICS.tombstones, this.#logId, [
      { partition, nextOffset, appendedAtMs },
    ])
  }
}
