import { nostrDeadLetters } from './nostr-dead-letters.ts'
import { nostrEphemeral } from './nostr-ephemeral.ts'
import { nostrEvents } from './nostr-events.ts'
import { nostrTombstones } from './nostr-tombstones.ts'
import { relaySettings } from './relay-settings.ts'
import type { Topic, TopicOptions } from './topic.ts'

/** Topic names, so that code never spells one. */
export const TOPICS = {
  events: 'nostr.events.v1',
  ephemeral: 'nostr.ephemeral.v1',
  tombstones: 'nostr.tombstones.v1',
  settings: 'relay.settings.v1',
  deadLetters: 'nostr.dead-letters.v1',
} as const

export type TopicName = (typeof TOPICS)[keyof typeof TOPICS]

/** Every topic of the platform, as `ctl topics apply` makes the cluster have it. */
export const catalogue = (options: TopicOptions): readonly Topic[] => [
  nostrEvents(options),
  nostrEphemeral(options),
  nostrTombstones(options),
  relaySettings(options),
  nostrDeadLetters(options),
]

/** How many partitions a topic has under these options. */
export const partitionCountOf = (topic: Topic, options: TopicOptions): number =>
  topic.partitions === 'events' ? options.eventPartitionCount : topic.partitions
