import type { Clock, Fault } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import type { Lane } from './lane.ts'

/** The runner's metrics; lag and ages are computed when they are asked for. */
export class Instruments {
  readonly #group: string
  readonly #topic: string
  readonly #metrics: Metrics

  constructor(
    group: string,
    topic: string,
    metrics: Metrics,
    clock: Clock,
    lanes: ReadonlyMap<number, Lane>,
  ) {
    this.#group = group
    this.#topic = topic
    this.#metrics = metrics
    metrics.onScrape(() => this.#sample(lanes, clock.nowMs()))
  }

  readonly onDrop = (reason: string): void =>
    this.#metrics.count('ingestion_events_dropped_total', { reason })

  readonly onDead = (fault: Fault): void => this.#metrics.count('dead_letters_total', { code: fault.code })

  readonly onRetry = (): void => this.#metrics.count('ingestion_retries_total', {})

  readonly onWritten = (rows: number, seconds: number): void => {
    this.#metrics.count('ingestion_events_written_total', {}, rows)
    this.#metrics.observe('ingestion_batch_size', {}, rows)
    this.#metrics.observe('ingestion_clickhouse_write_latency_seconds', {}, seconds)
  }

  #sample(lanes: ReadonlyMap<number, Lane>, nowMs: number): void {
    let oldestMs = nowMs
    for (const lane of lanes.values()) {
      const partition = String(lane.partition)
      oldestMs = Math.min(oldestMs, lane.oldestHeldMs ?? nowMs)
      this.#metrics.set('ingestion_watermark_age_seconds', { partition }, (nowMs - lane.appliedAtMs) / 1000)
      const labels = { group: this.#group, topic: this.#topic, partition }
      if (lane.lagRecords !== null) this.#metrics.set('kafka_consumer_lag_records', labels, lane.lagRecords)
    }
    this.#metrics.set('ingestion_lag_seconds', {}, (nowMs - oldestMs) / 1000)
  }
}
