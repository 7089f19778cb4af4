import type {
  ConsumerOptions,
  Log,
  LogAdmin,
  LogConsumer,
  LogProducer,
  RecordBatch,
  StartPosition,
  TopicPartition,
} from '@millrace/kafka'
import {
  type BackoffOptions,
  type Clock,
  delayMs,
  err,
  type Fault,
  FaultError,
  ok,
  type Result,
} from '@millrace/kernel'
import { endSpan, type Logger, type Metrics } from '@millrace/observability'
import { BatchBuffer, type BatchOptions } from './batch-buffer.ts'
import { Breaker, type BreakerOptions } from './breaker.ts'
import { Instruments } from './instruments.ts'
import { Lane, type Portion } from './lane.ts'
import type { Outputs } from './output.ts'
import { prepare } from './prepare.ts'
import { faultOf, type RetryOptions } from './retry.ts'
import type { WatermarkMove, WatermarkStore } from './sink.ts'
import { startPositions } from './start-positions.ts'
import type { Topology } from './topology.ts'
import { Writer } from './writer.ts'

const REVOKE_WAIT_MS_MAX = 2_000

export interface RunnerOptions<O extends string> {
  readonly log: Log
  readonly producer: LogProducer
  readonly store: WatermarkStore
  readonly outputs: Outputs<O>
  /** The log's UUID, read again at every assignment. */
  readonly readLogId: () => Promise<Result<string>>
  readonly batch: BatchOptions
  readonly breaker: BreakerOptions
  readonly backoff: BackoffOptions
  readonly consumer?: Omit<ConsumerOptions, 'groupId' | 'topics'>
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Runs a topology: joins its group, starts every partition at the store's watermark, batches, writes, reports. */
export class Runner<T, O extends string> {
  readonly #topology: Topology<T, O>
  readonly #options: RunnerOptions<O>
  readonly #consumer: LogConsumer
  readonly #buffer: BatchBuffer<T>
  readonly #stepBreaker: Breaker
  readonly #writer: Writer<T, O>
  readonly #instruments: Instruments
  readonly #lanes = new Map<number, Lane>()
  readonly #stopping = new AbortController()
  readonly #retry: RetryOptions
  readonly #ended = Promise.withResolvers<Result<void>>()
  #admin: LogAdmin | null = null
  #logId = ''
  #joined = false
  #storeProblem: Fault | null = null
  /** The write in progress, or the last one. */
  #write: Promise<unknown> = Promise.resolve()
  #writing: Promise<void> = Promise.resolve()

  constructor(topology: Topology<T, O>, options: RunnerOptions<O>) {
    const { group, topic, sink } = topology
    const { log, store, producer, outputs, clock, metrics } = options
    this.#topology = topology
    this.#options = options
    this.#consumer = log.consumer({ ...options.consumer, groupId: group, topics: [topic] })
    this.#buffer = new BatchBuffer(options.batch, clock)
    this.#stepBreaker = new Breaker(options.breaker, clock)
    this.#instruments = new Instruments(group, topic, metrics, clock, this.#lanes)
    const { signal } = this.#stopping
    this.#retry = { backoff: options.backoff, signal, onRetry: (fault) => this.#onRetry(fault) }
    const { onDead, onWritten } = this.#instruments
    const breaker = new Breaker(options.breaker, clock)
    const retry = this.#retry
    this.#writer = new Writer({
      group,
      topic,
      sink,
      store,
      producer,
      outputs,
      breaker,
      clock,
      retry,
      onDead,
      onWritten,
    })
  }

  /** Settles when the runner ends: ok after stop(), a fault when it cannot go on. */
  get ended(): Promise<Result<void>> {
    return this.#ended.promise
  }

  /** Why the runner is not ready, null when it is. */
  get problem(): string | null {
    if (!this.#joined) return 'not in the group yet'
    return this.#storeProblem && `retrying: ${this.#storeProblem.code}`
  }

  /** The partitions assigned now. */
  get partitions(): readonly number[] {
    return [...this.#lanes.keys()]
  }

  /** Records taken in and not yet durable. */
  get heldRecords(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.heldRecords, 0)
  }

  /** Resolves once the first assignment arrived; a fatal fault there is thrown as FaultError. */
  async start(): Promise<void> {
    this.#admin = await this.#options.log.admin()
    void this.#consumer.ended.then((result) => this.#end(result))
    this.#writing = this.#writeBatches()
    await this.#consumer.start({
      onAssign: (partitions) => this.#onAssign(partitions),
      onRevoke: (partitions) => this.#onRevoke(partitions),
      onBatch: (batch, signal) => this.#onBatch(batch, signal),
    })
    // An instance beyond the number of partitions is in the group with nothing to do.
    this.#joined = true
  }

  /** Leaves the group; what was read and is not durable is read again by the next owner. */
  async stop(): Promise<void> {
    this.#end(ok(undefined))
    await this.#consumer.stop()
    await this.#writing
    await this.#admin?.close()
  }

  async #onAssign(partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> {
    const positions = await this.#startPositions(partitions)
    if (!positions.ok) {
      // A passing fault is the consumer's to repeat: a rebalance may take the partitions away meanwhile.
      this.#storeProblem = positions.fault
      throw new FaultError(positions.fault)
    }
    this.#joined = true
    this.#storeProblem = null
    const { group, topic } = this.#topology
    this.#options.logger.info({ group, topic, positions: positions.value }, 'partitions assigned')
    return positions.value
  }

  async #startPositions(partitions: readonly TopicPartition[]): Promise<Result<readonly StartPosition[]>> {
    const { topic } = this.#topology
    const logId = await this.#options.readLogId()
    if (!logId.ok) return logId
    const marks = await this.#options.store.read(topic)
    if (!marks.ok) return err(unreadable(marks.fault))
    const ranges = (await this.#admin?.offsets(topic)) ?? []
    const ends = new Map(ranges.map(({ partition, end }) => [partition, end]))
    const positions = startPositions(partitions, logId.value, marks.value, ends)
    if (!positions.ok) return positions
    this.#logId = logId.value
    const nowMs = this.#options.clock.nowMs()
    for (const { partition } of partitions) {
      this.#lanes.get(partition)?.revoke()
      this.#lanes.set(partition, new Lane(partition, marks.value.get(partition)?.appendedAtMs ?? 0, nowMs))
    }
    return positions
  }

  async #onRevoke(partitions: readonly TopicPartition[]): Promise<void> {
    for (const { partition } of partitions) {
      this.#lanes.get(partition)?.revoke()
      this.#lanes.delete(partition)
      this.#stepBreaker.forget(partition)
    }
    for (const portion of this.#buffer.dropRevoked()) endSpans(portion, 'revoked')
    // The next owner starts at the watermark: a write that is nearly done spares it the same records.
    const waited = new AbortController()
    await Promise.race([this.#write, delayMs(REVOKE_WAIT_MS_MAX, waited.signal)])
    waited.abort()
    if (this.#lanes.size === 0) this.#joined = false
  }

  async #onBatch(batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const lane = this.#lanes.get(batch.partition)
    if (lane === undefined || lane.revoked.aborted) return
    const portion = await prepare(this.#topology, lane, batch, {
      breaker: this.#stepBreaker,
      retry: { ...this.#retry, signal },
      onDrop: this.#instruments.onDrop,
    })
    if (!portion.ok) return signal.aborted ? undefined : this.#end(portion)
    const added = await this.#buffer.add(portion.value, signal)
    if (!added) endSpans(portion.value, 'revoked')
  }

  /** One write at a time; while it runs the next batch gathers, so batches grow with the load. */
  async #writeBatches(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#buffer.due(signal)
      const portions = this.#buffer.take()
      if (portions.length === 0) continue
      const writing = this.#writer.write(portions, this.#logId)
      this.#write = writing
      const written = await writing
      if (written.ok) await this.#onWritten(portions, written.value)
      else this.#end(written)
    }
  }

  async #onWritten(portions: readonly Portion<T>[], moves: readonly WatermarkMove[]): Promise<void> {
    const { topic } = this.#topology
    this.#storeProblem = null
    for (const portion of portions) {
      portion.lane.applied(portion.batch, this.#options.clock.nowMs())
      endSpans(portion)
    }
    try {
      await this.#consumer.commit(
        moves.map(({ partition, nextOffset }) => ({ topic, partition, offset: nextOffset })),
      )
    } catch (cause) {
      // Only a report: the watermark in the store rules, and the next commit reports this one too.
      this.#options.logger.warn({ code: faultOf(cause).code, topic }, 'offsets could not be committed')
    }
  }

  #onRetry(fault: Fault): void {
    this.#storeProblem = fault
    this.#instruments.onRetry()
    this.#options.logger.warn({ group: this.#topology.group, code: fault.code }, 'waiting to try again')
  }

  #end(result: Result<unknown>): void {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    this.#ended.resolve(result.ok ? ok(undefined) : err(result.fault))
  }
}

function endSpans<T>(portion: Portion<T>, failure?: string): void {
  for (const { span } of portion.accepted) if (span !== null) endSpan(span, failure)
}

/** Refused reads mean that the tables are missing or not ours; a fault that is fatal already says what to do. */
const unreadable = (fault: Fault): Fault =>
  fault.kind !== 'invalid'
    ? fault
    : {
        ...fault,
        kind: 'fatal',
        message: `the watermarks cannot be read (${fault.message}); are the tables there? \`ctl tables migrate\` makes them`,
      }
