import { err, LIMITS, type Result, transient } from '@millrace/kernel'
import type { LogProducer, OutgoingRecord, Placement, ProducerOptions } from '../port.ts'
import { PendingRecord, recordBytes } from './pending-record.ts'

/** Carries one batch at a time to a log. */
export interface ProduceTransport {
  /**
   * Delivers the records in order and settles each; resolves once nothing of the batch is under way any more. Retries
   * until every record is settled (by an answer, or by the producer at its deadline).
   */
  deliver(batch: readonly PendingRecord[]): Promise<void>
  /** Every record of the batch in flight has been answered at its deadline: `deliver` has to let go of it now. */
  abandon(): void
  close(): Promise<void>
}

/** What a producer tells about itself; `code` is a fault code. */
export interface ProduceObserver {
  delivered(records: number, seconds: number): void
  refused(code: string): void
}

export const PRODUCER_DEFAULTS = {
  lingerMs: 0,
  lanes: 1,
  batchBytesMax: LIMITS.produceBatchBytesMax,
  batchRecordsMax: 2_000,
  pendingRecordsMax: 20_000,
  pendingBytesMax: 64 * 1024 * 1024,
  deliveryTimeoutMs: 10_000,
} as const satisfies Required<ProducerOptions>

export const producerOptions = (options: ProducerOptions): Required<ProducerOptions> => ({
  ...PRODUCER_DEFAULTS,
  ...options,
})

const SWEEP_MS = 50

/**
 * Single-flight batching over a transport: while a batch is under way the next one gathers, so the batch size follows
 * the load and the order of `append` is the order in the log. Bounded by records and bytes; every record is answered
 * within deliveryTimeoutMs.
 */
export class BatchingProducer implements LogProducer {
  readonly #transport: ProduceTransport
  readonly #options: Required<ProducerOptions>
  readonly #observer: ProduceObserver | null
  #queue: PendingRecord[] = []
  #flight: readonly PendingRecord[] = []
  #flying = false
  #pendingRecords = 0
  #pendingBytes = 0
  #queuedBytes = 0
  #cancelLinger: (() => void) | null = null
  #sweep: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null
  #drained: (() => void) | null = null

  constructor(
    transport: ProduceTransport,
    options: ProducerOptions = {},
    observer: ProduceObserver | null = null,
  ) {
    this.#transport = transport
    this.#options = producerOptions(options)
    this.#observer = observer
  }

  get pendingRecords(): number {
    return this.#pendingRecords
  }

  append(record: OutgoingRecord): Promise<Result<Placement>> {
    if (this.#closing) return Promise.resolve(err(transient('shutting-down', 'the producer is closing')))
    const bytes = recordBytes(record)
    if (this.#pendingRecords >= this.#options.pendingRecordsMax || this.#overfull(bytes))
      return Promise.resolve(err(transient('queue-full', 'too many records wait for their acknowledgement')))
    return new Promise((resolve) => {
      const deadlineMs = performance.now() + this.#options.deliveryTimeoutMs
      const pending = new PendingRecord(record, bytes, deadlineMs, (settled, result) => {
        this.#release(settled, result)
        resolve(result)
      })
      this.#accept(pending)
    })
  }

  /** A record larger than the whole budget is let through alone: the broker has the last word on its size. */
  #overfull(bytes: number): boolean {
    return this.#pendingRecords > 0 && this.#pendingBytes + bytes > this.#options.pendingBytesMax
  }

  #accept(pending: PendingRecord): void {
    this.#queue.push(pending)
    this.#pendingRecords++
    this.#pendingBytes += pending.bytes
    this.#queuedBytes += pending.bytes
    this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS)
    if (this.#flying) return
    const { batchRecordsMax, batchBytesMax, lingerMs } = this.#options
    if (this.#queue.length >= batchRecordsMax || this.#queuedBytes >= batchBytesMax) return void this.#fly()
    this.#cancelLinger ??= after(lingerMs, () => void this.#fly())
  }

  #release(pending: PendingRecord, result: Result<Placement>): void {
    this.#pendingRecords--
    this.#pendingBytes -= pending.bytes
    if (!result.ok) this.#observer?.refused(result.fault.code)
  }

  /** Batches leave one after the other until the queue is empty; what gathered meanwhile has lingered enough. */
  async #fly(): Promise<void> {
    this.#cancelLinger?.()
    this.#cancelLinger = null
    if (this.#flying) return
    this.#flying = true
    while (this.#queue.length > 0) {
      this.#flight = this.#take()
      if (this.#flight.length === 0) continue
      const startedMs = performance.now()
      await this.#transport.deliver(this.#flight)
      this.#observer?.delivered(this.#flight.length, (performance.now() - startedMs) / 1000)
      for (const pending of this.#flight)
        pending.refuse(transient('internal', 'the transport left a record unanswered'))
      this.#flight = []
    }
    this.#flying = false
    if (this.#sweep) clearInterval(this.#sweep)
    this.#sweep = null
    this.#drained?.()
  }

  #take(): readonly PendingRecord[] {
    let bytes = 0
    let count = 0
    const { batchRecordsMax, batchBytesMax } = this.#options
    for (const pending of this.#queue) {
      if (count > 0 && (count >= batchRecordsMax || bytes + pending.bytes > batchBytesMax)) break
      bytes += pending.bytes
      count++
    }
    this.#queuedBytes -= bytes
    return this.#queue.splice(0, count).filter((pending) => !pending.settled)
  }

  #expire(): void {
    const nowMs = performance.now()
    for (const pending of this.#flight) if (pending.deadlineMs <= nowMs) expire(pending)
    for (const pending of this.#queue) {
      if (pending.deadlineMs > nowMs) break
      expire(pending)
    }
    if (this.#flight.length > 0 && this.#flight.every((pending) => pending.settled)) this.#transport.abandon()
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => this.#transport.close())
    return this.#closing
  }

  async #drain(): Promise<void> {
    if (!this.#flying && this.#queue.length === 0) return
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    void this.#fly()
    await drained
  }
}

/** A timer cannot be shorter than a millisecond, an immediate is the end of this turn. Answers how to cancel it. */
function after(ms: number, run: () => void): () => void {
  if (ms > 0) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  }
  const immediate = setImmediate(run)
  return () => clearImmediate(immediate)
}

function expire(pending: PendingRecord): void {
  pending.refuse(
    pending.sent
      ? transient('timeout', 'Kafka did not acknowledge the record in time; it may be in the log')
      : transient('kafka-unavailable', 'Kafka could not be reached in time; the record is not in the log'),
  )
}
