import { LIMITS } from '@millrace/kernel'
import { compactedConfigs, type Topic, type TopicOptions } from './topic.ts'

/** What administrators set, and the log id that `ctl topics apply` writes once. */
export const relaySettings = (options: TopicOptions): Topic => ({
  name: 'relay.settings.v1',
  key: '<scope>:<key>',
  subject: 'relay.settings.v1-value',
  partitions: 1,
  configs: compactedConfigs(options, LIMITS.kafkaMessageBytesMax),
  writers: ['relay', 'query-api', 'ctl'],
  readers: ['relay', 'storage', 'forwarder', 'query-api', 'ctl'],
})
