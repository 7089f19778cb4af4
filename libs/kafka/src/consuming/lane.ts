import type { LogRecord, Offset, RecordBatch, TopicPartition } from '../port.ts'
import type { ConcurrencyGate } from './concurrency-gate.ts'

export interface LaneOptions {
  /** Most records handed over at once. */
  readonly batchRecordsMax: number
  /** A lane that holds this many bytes asks for no more. */
  readonly bufferedBytesMax: number
  readonly gate: ConcurrencyGate
  readonly signal: AbortSignal
  readonly deliver: (batch: RecordBatch, signal: AbortSignal) => Promise<void>
  readonly onFailure: (error: unknown) => void
  /** The lane wants records again. */
  readonly onHungry: () => void
  /** Where to stop reading; without it the lane follows the log. */
  readonly untilOffset?: Offset
}

interface Fetched {
  readonly batch: RecordBatch
  readonly bytes: number
}

/**
 * One assigned partition between the fetcher and its owner: hands batches over one at a time, in order, and holds the
 * fetcher back while its owner is busy. Other partitions don't notice.
 */
export class Lane implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** The next offset to fetch. */
  position: Offset
  /** The partition's end as far as is known. */
  endOffset: Offset
  readonly #options: LaneOptions
  #fetched: Fetched[] = []
  #bufferedBytes = 0
  #running: Promise<void> | null = null

  constructor({ topic, partition }: TopicPartition, start: Offset, endOffset: Offset, options: LaneOptions) {
    this.topic = topic
    this.partition = partition
    this.position = start
    this.endOffset = endOffset
    this.#options = options
  }

  get finished(): boolean {
    return this.#options.untilOffset !== undefined && this.position >= this.#options.untilOffset
  }

  get hungry(): boolean {
    return !this.finished && this.#bufferedBytes < this.#options.bufferedBytesMax
  }

  /** Something is with the owner or waits for them: standing still is not the fetcher's fault. */
  get busy(): boolean {
    return this.#running !== null
  }

  /** Takes what was fetched at `position`; `bytes` is what it weighs in memory. */
  push(batch: RecordBatch, bytes: number): void {
    const moved = batch.nextOffset > this.position
    if (moved) this.position = batch.nextOffset
    // A broker that just restarted may name an end before what it has served already.
    this.endOffset = Math.max(batch.endOffset, this.position)
    if (!moved) return
    this.#bufferedBytes += bytes
    this.#fetched.push({ batch, bytes })
    this.#running ??= this.#run()
  }

  /** Resolves once the owner has returned from the batch it holds. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    const { gate, signal, deliver, onFailure } = this.#options
    try {
      while (this.#fetched.length > 0 && !signal.aborted) {
        await gate.enter()
        try {
          if (!signal.aborted) await deliver(this.#take(), signal)
        } finally {
          gate.leave()
        }
      }
    } catch (error) {
      if (!signal.aborted) onFailure(error)
    } finally {
      this.#running = null
    }
  }

  /** As many buffered records as one call may hold: small fetches grow into large batches while the owner is busy. */
  #take(): RecordBatch {
    const wasHungry = this.hungry
    const max = this.#options.batchRecordsMax
    const records: LogRecord[] = []
    let nextOffset = -1
    while (this.#fetched.length > 0 && records.length < max) {
      const { batch, bytes } = this.#fetched[0] as Fetched
      const room = max - records.length
      if (batch.records.length <= room) {
        records.push(...batch.records)
        nextOffset = batch.nextOffset
        this.#bufferedBytes -= bytes
        this.#fetched.shift()
        continue
      }
      const head = batch.records.slice(0, room)
      records.push(...head)
      nextOffset = (head.at(-1) as LogRecord).offset + 1
      const share = Math.floor((bytes * room) / batch.records.length)
      this.#bufferedBytes -= share
      this.#fetched[0] = { batch: { ...batch, records: batch.records.slice(room) }, bytes: bytes - share }
    }
    if (!wasHungry && this.hungry) this.#options.onHungry()
    const { topic, partition, endOffset } = this
    return { topic, partition, records, nextOffset, endOffset }
  }
}
