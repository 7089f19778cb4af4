import { LIMITS } from '@millrace/kernel'
import { SECOND_MS, type Topic, type TopicOptions } from './topic.ts'

/** Ephemeral events (kinds 20000–29999): passed on between edges, gone within a minute, in no archive. */
export const nostrEphemeral = (options: TopicOptions): Topic => ({
  name: 'nostr.ephemeral.v1',
  key: 'event id, 64 hex characters',
  subject: 'nostr.ephemeral.v1-value',
  partitions: 'events',
  configs: {
    'cleanup.policy': 'delete',
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(LIMITS.kafkaMessageBytesMax),
    'min.insync.replicas': String(options.minInsyncReplicas),
    'unclean.leader.election.enable': 'false',
    'retention.ms': String(60 * SECOND_MS),
    'segment.ms': String(30 * SECOND_MS),
    'file.delete.delay.ms': String(SECOND_MS),
    'compression.type': 'producer',
  },
  writers: ['relay'],
  // ctl looks through its files for what was erased.
  readers: ['relay', 'ctl'],
})
