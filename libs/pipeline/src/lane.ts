import type { LogRecord, Offset, RecordBatch } from '@millrace/kafka'
import type { Span } from '@millrace/observability'
import type { OutputRecord } from './outcome.ts'
import type { Refusal } from './output.ts'
import type { Positioned } from './sink.ts'

/** One partition from its assignment to its revocation; a partition assigned again gets a new lane. */
export class Lane {
  readonly partition: number
  readonly #held = new Set<RecordBatch>()
  readonly #revocation = new AbortController()
  #endOffset: Offset = 0
  #readOffset: Offset = 0
  #appliedOffset: Offset | null = null
  #appliedAtMs: number
  #appendedAtMs: number

  /** `appendedAtMs` is that of the watermark it starts from, 0 without one. */
  constructor(partition: number, appendedAtMs: number, nowMs: number) {
    this.partition = partition
    this.#appendedAtMs = appendedAtMs
    this.#appliedAtMs = nowMs
  }

  /** Aborts when the partition is taken away. */
  get revoked(): AbortSignal {
    return this.#revocation.signal
  }

  revoke(): void {
    this.#held.clear()
    this.#revocation.abort()
  }

  /** Takes a fetched batch in: it is held until it is durable. Answers the LogAppendTime of its last record. */
  take(batch: RecordBatch): number {
    this.#held.add(batch)
    this.#endOffset = batch.endOffset
    this.#readOffset = batch.nextOffset
    this.#appendedAtMs = batch.records.at(-1)?.timestampMs ?? this.#appendedAtMs
    return this.#appendedAtMs
  }

  /** Everything of the batch is durable, and the watermark is past it. */
  applied(batch: RecordBatch, nowMs: number): void {
    this.#held.delete(batch)
    this.#appliedOffset = batch.nextOffset
    this.#appliedAtMs = nowMs
  }

  /** Whether the log holds more than what was taken in. */
  get isBehind(): boolean {
    return this.#readOffset < this.#endOffset
  }

  /** Records between the watermark and the partition's end, null before the first batch. */
  get lagRecords(): number | null {
    return this.#appliedOffset === null ? null : Math.max(0, this.#endOffset - this.#appliedOffset)
  }

  /** Records taken in and not yet durable. */
  get heldRecords(): number {
    return [...this.#held].reduce((sum, { records }) => sum + records.length, 0)
  }

  /** When the watermark was last written, or the partition assigned; milliseconds since the Unix epoch. */
  get appliedAtMs(): number {
    return this.#appliedAtMs
  }

  /** LogAppendTime of the oldest record taken in and not yet durable, milliseconds since the Unix epoch; null = none. */
  get oldestHeldMs(): number | null {
    let oldestMs: number | null = null
    for (const { records } of this.#held) {
      const atMs = records[0]?.timestampMs
      if (atMs !== undefined && (oldestMs === null || atMs < oldestMs)) oldestMs = atMs
    }
    return oldestMs
  }
}

export interface Accepted<T> {
  readonly positioned: Positioned<T>
  readonly record: LogRecord
  /** The span of this record's way into the store; null when its headers carry no trace. */
  readonly span: Span | null
}

/** What one fetched batch became; it is buffered, written and given up as a whole. */
export interface Portion<T> {
  readonly lane: Lane
  readonly batch: RecordBatch
  readonly accepted: readonly Accepted<T>[]
  readonly refusals: readonly Refusal[]
  readonly redirects: readonly { readonly output: string; readonly record: OutputRecord }[]
  /** Bytes of the record values. */
  readonly bytes: number
  /** LogAppendTime of the last record up to here, milliseconds since the Unix epoch. */
  readonly appendedAtMs: number
}
