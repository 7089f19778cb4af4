import type { Result } from '@millrace/kernel'

/** Offsets are plain numbers: Kafka's are 64-bit, but 2^53 records in one partition are out of reach. */
export type Offset = number

/** One record as read from the log. `key` and `value` are raw bytes; a null value erases what the key held. */
export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
  /** The broker's LogAppendTime, milliseconds since the Unix epoch. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Consecutive records of one partition. `records` may be empty: compaction can empty a whole batch, and a consumer
 * must still move to `nextOffset`.
 */
export interface RecordBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LogRecord[]
  /** The offset to read after this batch: every record below it is in this or an earlier batch, or is gone. */
  readonly nextOffset: Offset
  /** The partition's end (high watermark) when the batch was fetched: lag = endOffset − nextOffset. */
  readonly endOffset: Offset
}

/** One record to append. `partition` is always explicit (DESIGN: one owner, one partition). */
export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | string
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Where an acknowledged record lies. */
export interface Placement {
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
}

export interface ProducerOptions {
  /**
   * Longest wait for company before a batch is sent when none is under way, milliseconds. The default 0 takes what the
   * same turn of the event loop brings; under load batches gather anyway while the one before is under way.
   */
  readonly lingerMs?: number
  /**
   * Batches under way at once, each to its own share of the partitions (default 1): more of them wait less for one another's
   * fsyncs and cost more requests.
   */
  readonly lanes?: number
  readonly batchBytesMax?: number
  readonly batchRecordsMax?: number
  /** Records accepted but not yet acknowledged; past it `append` answers the fault queue-full at once. */
  readonly pendingRecordsMax?: number
  readonly pendingBytesMax?: number
  /**
   * Time after which an unacknowledged record is answered (default 10,000): with the fault timeout when it was sent, so
   * that it may be in the log, with kafka-unavailable when it never left.
   */
  readonly deliveryTimeoutMs?: number
}

/** An idempotent acks=all producer: single-flight batches, order kept in each partition. */
export interface LogProducer {
  /**
   * Resolves once Kafka acknowledged the record with acks=all, or with a fault; never rejects. Transient: queue-full,
   * timeout, kafka-unavailable, kafka-fenced (the producer's numbering broke: unknown whether the log has it),
   * shutting-down. Lasting: message-too-large, topic-mismatch, configuration-invalid.
   */
  append(record: OutgoingRecord): Promise<Result<Placement>>
  readonly pendingRecords: number
  /** Sends what is pending, then disconnects. */
  close(): Promise<void>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** How a consumer's owner reacts; every callback is awaited before the next one for the same partition. */
export interface ConsumerHandler {
  /**
   * Partitions assigned: answers where to start each (the watermark in the store rules, DESIGN 2.9); 'earliest' starts
   * at the log's first record, 'latest' at its end. An offset past the end ends the consumer with the fatal fault
   * watermark-past-end; one below the first record means that record. A rejection with FaultError(fatal) ends the
   * consumer, any other is repeated.
   */
  onAssign(partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]>
  /** Partitions taken away: no batch of theirs is delivered after this returns. */
  onRevoke(partitions: readonly TopicPartition[]): Promise<void>
  /**
   * One batch; batches of different partitions may run concurrently. Back-pressure is simply not returning: the next
   * batch of the partition waits (heartbeats go on). The signal aborts on revoke, stop or session loss. A rejection ends
   * the consumer: with the fault of a FaultError, else with the transient fault internal. Keys and values are views of
   * the fetched bytes: copy what outlives the batch by much.
   */
  onBatch(batch: RecordBatch, signal: AbortSignal): Promise<void>
}

export interface StartPosition extends TopicPartition {
  readonly offset: Offset | 'earliest' | 'latest'
}

export interface ConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /**
   * The group belongs to this process alone (an edge's fanout, a tombstone reader): it takes every partition at once,
   * without joining, sessions or rebalances, and the group only holds its committed offsets. Members that somebody left
   * in the group are removed.
   */
  readonly exclusive?: boolean
  /** A member that is silent for this long loses its partitions (default 10,000). */
  readonly sessionTimeoutMs?: number
  /** Longest wait of a fetch for something to come, milliseconds (default 250). */
  readonly maxWaitMs?: number
  /**
   * Pause after a fetch that reached the end of all it asked for, milliseconds (default 0): a reader that can wait spares broker
   * and itself a fetch for every record. The first record after a quiet time is not held back.
   */
  readonly restMs?: number
  /** Per partition and fetch, and what a partition buffers at most beyond one fetch, bytes (default 1 MiB). */
  readonly fetchBytesMax?: number
  /** Most onBatch calls at a time (default: one per partition). */
  readonly partitionsConcurrent?: number
  /**
   * Lag above zero without progress for this long, while the owner is idle, is a stall: the consumer ends with the
   * transient fault consumer-stalled (default 30,000).
   */
  readonly stallTimeoutMs?: number
  /** Most records handed to one onBatch call (default 5,000). */
  readonly batchRecordsMax?: number
}

export interface LogConsumer {
  /**
   * Joins the group and resolves once the first assignment is in place; waits while the log is away. Rejects with
   * FaultError when the consumer ended before (topic-mismatch, watermark-past-end, …).
   */
  start(handler: ConsumerHandler): Promise<void>
  /** Reports progress to the group (only a report: the store's watermark rules). */
  commit(positions: readonly (TopicPartition & { readonly offset: Offset })[]): Promise<void>
  /** Settles when the consumer ends: ok after stop(), a fault when it cannot go on. */
  readonly ended: Promise<Result<void>>
  /** Leaves the group after running callbacks have returned. */
  stop(): Promise<void>
}

export interface TopicDescription {
  readonly name: string
  readonly partitionCount: number
  readonly replicationFactor: number
  /** Those set on the topic itself, without the broker's defaults. */
  readonly configs: Readonly<Record<string, string>>
}

export interface TopicSpec {
  readonly name: string
  readonly partitionCount: number
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

export interface GroupDescription {
  readonly groupId: string
  readonly state: string
  readonly members: readonly { readonly memberId: string; readonly clientId: string; readonly host: string }[]
}

/** Calls reject with FaultError: transient when Kafka is away for 10 s, fatal when it refuses. */
export interface LogAdmin {
  /** Null for a topic that does not exist. */
  describeTopic(name: string): Promise<TopicDescription | null>
  /** Resolves once every partition has a leader; a topic that exists is left as it is. */
  createTopic(spec: TopicSpec): Promise<void>
  /** Sets the named configs and leaves the others alone. */
  alterTopicConfigs(name: string, configs: Readonly<Record<string, string>>): Promise<void>
  deleteTopic(name: string): Promise<void>
  /** First offset still present and the end (next offset to be written), per partition. */
  offsets(topic: string): Promise<readonly { partition: number; earliest: Offset; end: Offset }[]>
  groupOffsets(
    groupId: string,
    topic: string,
  ): Promise<readonly { partition: number; offset: Offset | null }[]>
  describeGroups(): Promise<readonly GroupDescription[]>
  /** Forgets a group without members and its offsets; one that does not exist is gone already. */
  deleteGroup(groupId: string): Promise<void>
  close(): Promise<void>
}

/** A part of one partition: offsets from `from` up to, not including, `until` (absent: its end). */
export interface Stretch {
  readonly from: Offset
  readonly until?: Offset
}

/** The log as the rest of the house sees it; the kafkajs and the memory adapter pass one contract suite. */
export interface Log {
  producer(options?: ProducerOptions): Promise<LogProducer>
  consumer(options: ConsumerOptions): LogConsumer
  admin(): Promise<LogAdmin>
  /**
   * Reads a topic from its beginning to the end it had at the call, then resolves: settings, tombstones, tests. With `stretches`
   * only those partitions, from their offsets up to (not including) theirs, as far as there is something.
   */
  readToEnd(
    topic: string,
    onBatch: (batch: RecordBatch) => void | Promise<void>,
    stretches?: ReadonlyMap<number, Stretch>,
  ): Promise<void>
  close(): Promise<void>
}
