import type { SUBJECTS } from '@millrace/schemas'

/** Who writes and who reads a topic; `import` is `ctl import`. A test holds it against the apps' sources. */
export type Part =
  | 'relay'
  | 'mirror'
  | 'import'
  | 'storage'
  | 'aggregation'
  | 'deletion'
  | 'forwarder'
  | 'archive'
  | 'query-api'
  | 'ctl'

export interface Topic {
  readonly name: string
  /** What the record key holds. */
  readonly key: string
  /** Registry subject of the values. */
  readonly subject: keyof typeof SUBJECTS & string
  /** `events`: as many partitions as nostr.events, chosen by owner; a number is a fixed count. */
  readonly partitions: 'events' | number
  readonly configs: Readonly<Record<string, string>>
  readonly writers: readonly Part[]
  readonly readers: readonly Part[]
}

/** What an operator chooses for the whole cluster. */
export interface TopicOptions {
  /** N of DESIGN 2.3: partitions of nostr.events, tombstones and ephemeral; fixed for the topics' life. */
  readonly eventPartitionCount: number
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  /** power-cut: every append is fsynced before its acknowledgement; process: the page cache has it. */
  readonly durability: 'power-cut' | 'process'
  /** How long erased bytes may stay in the log, seconds: sets the compaction lags. */
  readonly erasureDeadlineS: number
}

export const DEFAULT_TOPIC_OPTIONS: TopicOptions = {
  eventPartitionCount: 8,
  replicationFactor: 1,
  minInsyncReplicas: 1,
  durability: 'power-cut',
  erasureDeadlineS: 86_400,
}

export const SECOND_MS = 1000
export const HOUR_MS = 3600 * SECOND_MS
export const DAY_MS = 24 * HOUR_MS

/**
 * The configs of a topic that is kept for ever and erased by compaction. Kafka cleans only rolled segments, so a segment
 * rolls after a quarter of the deadline and must be cleaned within half of it; the rest is the cleaner's time and
 * file.delete.delay.ms. Nulls stay readable for a week, so that a consumer that was away that long still sees them.
 */
export const compactedConfigs = (options: TopicOptions, messageBytesMax: number): Record<string, string> => ({
  'cleanup.policy': 'compact',
  'message.timestamp.type': 'LogAppendTime',
  'max.message.bytes': String(messageBytesMax),
  'min.insync.replicas': String(options.minInsyncReplicas),
  'unclean.leader.election.enable': 'false',
  'segment.ms': String(Math.floor((options.erasureDeadlineS * SECOND_MS) / 4)),
  'max.compaction.lag.ms': String(Math.floor((options.erasureDeadlineS * SECOND_MS) / 2)),
  'delete.retention.ms': String(7 * DAY_MS),
  'compression.type': 'producer',
})

/** How often a record is appended to every partition, milliseconds: twice as often as segments roll. */
export const heartbeatIntervalMs = (erasureDeadlineS: number): number =>
  Math.floor((erasureDeadlineS * SECOND_MS) / 8)
