import { LIMITS } from '@millrace/kernel'
import { compactedConfigs, type Topic, type TopicOptions } from './topic.ts'

/** The truth: every admitted event, keyed by its id, partitioned by its owner. Null values: the deletion consumer only. */
export const nostrEvents = (options: TopicOptions): Topic => ({
  name: 'nostr.events.v1',
  key: 'event id, 64 hex characters',
  subject: 'nostr.events.v1-value',
  partitions: 'events',
  configs: {
    ...compactedConfigs(options, LIMITS.kafkaMessageBytesMax),
    // One fsync per append makes OK survive a power cut; Kafka's own default leaves that to the replicas.
    'flush.messages': options.durability === 'power-cut' ? '1' : '9223372036854775807',
  },
  writers: ['relay', 'mirror', 'import', 'deletion'],
  readers: ['relay', 'storage', 'aggregation', 'deletion', 'forwarder', 'archive', 'query-api'],
})
