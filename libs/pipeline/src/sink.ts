import type { Offset } from '@millrace/kafka'
import type { Result } from '@millrace/kernel'

/** A value with its place in the log. */
export interface Positioned<T> {
  readonly value: T
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
  /** The broker's LogAppendTime, milliseconds since the Unix epoch. */
  readonly appendedAtMs: number
}

/** The only writer to a store. */
export interface Sink<T> {
  /** Names the sink in spans and dead letters. */
  readonly name: string
  /** The span name of one durable write, such as `clickhouse.insert`. */
  readonly writeSpan: string
  /**
   * Applies a batch durably and idempotently: records of several partitions, each partition in log order. Faults:
   * transient (the same batch is tried again), invalid (the batch holds poison and is halved until it is found), fatal.
   */
  apply(records: readonly Positioned<T>[]): Promise<Result<void>>
}

/** How far a sink has applied one partition durably. */
export interface Watermark {
  readonly logId: string
  /** The offset after the last one applied. */
  readonly nextOffset: Offset
  /** LogAppendTime of the last record below it, milliseconds since the Unix epoch: freshness is computed from it. */
  readonly appendedAtMs: number
}

/** Keeps watermarks with the sink's data; a late writer never moves one back (DESIGN 2.9). */
export interface WatermarkStore {
  /** Partition → watermark, for every partition that has one. */
  read(topic: string): Promise<Result<ReadonlyMap<number, Watermark>>>
  write(topic: string, logId: string, marks: readonly WatermarkMove[]): Promise<Result<void>>
}

export interface WatermarkMove {
  readonly partition: number
  readonly nextOffset: Offset
  readonly appendedAtMs: number
}
