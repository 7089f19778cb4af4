import type { LogProducer } from '@millrace/kafka'
import { delayMs, type Fault } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import { TICK_KEY_PREFIX, TOPICS } from '@millrace/topics'

export interface HeartbeatParts {
  readonly producer: Pick<LogProducer, 'append'>
  /** The partitions of nostr.events and nostr.tombstones that this instance has now. */
  readonly partitions: () => readonly number[]
  /** The partitions of the dead letters that it has now. */
  readonly letterPartitions: () => readonly number[]
  readonly intervalMs: number
  readonly metrics: Pick<Metrics, 'count'>
  readonly onFault: (fault: Fault) => void
}

/**
 * Appends a record to each partition at an interval. Kafka rolls a segment on append only and cleans rolled segments only, so without
 * it what was erased from a partition that then falls quiet stays on disk for good.
 */
export class Heartbeat {
  readonly #parts: HeartbeatParts

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.beat()
      await delayMs(this.#parts.intervalMs, signal)
    }
  }

  /** One record for every partition. */
  async beat(): Promise<void> {
    const { producer, partitions, letterPartitions, metrics, onFault } = this.#parts
    const places = [
      ...partitions().flatMap((partition) => [
        { topic: TOPICS.events, partition },
        { topic: TOPICS.tombstones, partition },
      ]),
      ...letterPartitions().map((partition) => ({ topic: TOPICS.deadLetters, partition })),
    ]
    const results = await Promise.all(
      places.map((at) => producer.append({ ...at, key: `${TICK_KEY_PREFIX}${at.partition}`, value: null })),
    )
    const failed = results.find((result) => !result.ok)
    if (failed && !failed.ok) onFault(failed.fault)
    metrics.count('deletion_heartbeats_total', {}, results.filter(({ ok }) => ok).length)
  }
}
