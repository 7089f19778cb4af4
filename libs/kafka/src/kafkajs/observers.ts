import type { Metrics } from '@millrace/observability'
import type { ConsumeObserver } from '../consuming/group-consumer.ts'
import type { TopicPartition } from '../port.ts'
import type { ProduceObserver } from '../producing/batching-producer.ts'

export type { Metrics } from '@millrace/observability'

/** Ties the producers and consumers of a process to the metric catalogue. */
export function metricsObservers(metrics: Metrics, pendingRecords: () => number) {
  metrics.onScrape(() => metrics.set('kafka_produce_pending_records', {}, pendingRecords()))
  const produce: ProduceObserver = {
    delivered: (records, seconds) => {
      metrics.observe('kafka_produce_batch_records', {}, records)
      metrics.observe('kafka_produce_seconds', {}, seconds)
    },
    refused: (code) => metrics.count('kafka_produce_failures_total', { code }),
  }
  const consume = (group: string): ConsumeObserver => {
    const lag = ({ topic, partition }: TopicPartition, records: number) =>
      metrics.set('kafka_consumer_lag_records', { group, topic, partition: String(partition) }, records)
    return {
      assigned: () => metrics.count('kafka_consumer_rebalances_total', { group }),
      lag,
      revoked: (partitions) => {
        for (const at of partitions) lag(at, 0)
      },
    }
  }
  return { produce, consume }
}
