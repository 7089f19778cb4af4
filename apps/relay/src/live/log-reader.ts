import type { ConsumerHandler, Log, LogConsumer, Offset, RecordBatch, TopicPartition } from '@millrace/kafka'
import { assert, type Result } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import { TOPICS } from '@millrace/topics'
import { LIVE_TOPICS, type LiveEvents } from './live-events.ts'
import type { LiveTombstones } from './live-tombstones.ts'
import type { LogPositions } from './log-positions.ts'

export interface LogReaderParts {
  readonly kafka: Pick<Log, 'consumer'>
  /** Of the edge, or of one worker of it. */
  readonly readerId: string
  readonly positions: LogPositions
  readonly events: LiveEvents
  readonly tombstones: LiveTombstones
  readonly metrics: Metrics
}

/** A broker answers a fetch with the first partition of a batch that it has appended: a moment later the others are there too. */
const REST_MS = 2

/**
 * Reads the whole log once for this edge, in a group of its own. Positions live in this process alone: after a rebalance reading goes on
 * where it was, at a start where `positions` say; ephemeral events are read from now on.
 */
export class LogReader {
  readonly #parts: LogReaderParts
  readonly #consumer: LogConsumer

  constructor(parts: LogReaderParts) {
    this.#parts = parts
    this.#consumer = parts.kafka.consumer({
      groupId: `fanout.${parts.readerId}`,
      topics: [...LIVE_TOPICS],
      exclusive: true,
      partitionsConcurrent: 8,
      restMs: REST_MS,
    })
  }

  /** Settles when reading ends: a fault when it cannot go on. */
  get ended(): Promise<Result<void>> {
    return this.#consumer.ended
  }

  start(): Promise<void> {
    const handler: ConsumerHandler = {
      onAssign: async (partitions) => partitions.map((at) => ({ ...at, offset: this.#startOf(at) })),
      onRevoke: async () => {},
      onBatch: (batch, signal) => this.#onBatch(batch, signal),
    }
    return this.#consumer.start(handler)
  }

  stop(): Promise<void> {
    return this.#consumer.stop()
  }

  #startOf({ topic, partition }: TopicPartition): Offset | 'earliest' | 'latest' {
    const next = this.#parts.positions.get(topic, partition)
    return next ?? (topic === TOPICS.ephemeral ? 'latest' : 'earliest')
  }

  async #onBatch(batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const { events, tombstones, positions, metrics } = this.#parts
    const { topic, partition, nextOffset, endOffset } = batch
    switch (topic) {
      case TOPICS.events:
        await events.onEvents(batch, signal)
        break
      case TOPICS.ephemeral:
        events.onEphemeral(batch)
        break
      default:
        assert(topic === TOPICS.tombstones, `unexpected topic ${topic}`)
        tombstones.onTombstones(batch)
    }
    if (signal.aborted) return
    positions.advance(topic, partition, nextOffset)
    // Only a report: the erasure ledger reads from it that this edge hides what the tombstones erase.
    if (topic === TOPICS.tombstones) void this.#consumer.commit([{ topic, partition, offset: nextOffset }])
    if (topic === TOPICS.events)
      metrics.set('relay_live_lag_records', { partition: String(partition) }, endOffset - nextOffset)
  }
}
