import { LIMITS } from '@millrace/kernel'
import { compactedConfigs, DAY_MS, type Topic, type TopicOptions } from './topic.ts'

/** Refused records with their origin and reason, for `ctl redrive`; keyed by event id where known, so that a null erases. */
export const nostrDeadLetters = (options: TopicOptions): Topic => ({
  name: 'nostr.dead-letters.v1',
  key: 'event id where known, else <topic>:<partition>:<offset>',
  subject: 'nostr.dead-letters.v1-value',
  partitions: 1,
  configs: {
    ...compactedConfigs(options, LIMITS.deadLetterMessageBytesMax),
    'cleanup.policy': 'compact,delete',
    // Takes whole files whose newest record is that old. Compaction merges old letters with newer records, so in practice a
    // letter stays until a null settles or erases it: only nulls are to be relied on.
    'retention.ms': String(30 * DAY_MS),
  },
  // ctl redrive settles a letter with a null.
  writers: ['storage', 'aggregation', 'deletion', 'forwarder', 'archive', 'ctl'],
  readers: ['deletion', 'ctl'],
})
