import { LIMITS } from '@millrace/kernel'
import { compactedConfigs, type Topic, type TopicOptions } from './topic.ts'

/** Author-bound erasures and the floors they leave; read to its end before any event is applied. */
export const nostrTombstones = (options: TopicOptions): Topic => ({
  name: 'nostr.tombstones.v1',
  key: '<author>:<target>:<request id>',
  subject: 'nostr.tombstones.v1-value',
  partitions: 'events',
  configs: compactedConfigs(options, LIMITS.kafkaMessageBytesMax),
  writers: ['deletion'],
  readers: ['relay', 'storage', 'aggregation', 'deletion', 'forwarder', 'archive', 'import', 'ctl'],
})
