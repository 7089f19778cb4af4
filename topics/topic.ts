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

/** Of the deadline: how old a segment's first record gets before the segment rolls on the next append. */
const ROLL_SHARE = 1 / 16
/** Of the deadline: how old the first record of a rolled segment gets before its partition must be cleaned. */
const COMPACTION_LAG_SHARE = 1 / 2
const HEARTBEAT_SHARE = 1 / 8
const FILE_DELETE_SHARE = 1 / 8
const FILE_DELETE_DELAY_MS_MAX = 60 * SECOND_MS

const shareMs = (erasureDeadlineS: number, share: number): number =>
  Math.floor(erasureDeadlineS * SECOND_MS * share)

/**
 * How often a heartbeat record (key `~tick:<partition>`, null value) has to be appended to every partition of every compacted
 * topic, milliseconds: segments roll only on append, so that without it a quiet partition is never cleaned.
 */
export const heartbeatIntervalMs = (erasureDeadlineS: number): number =>
  shareMs(erasureDeadlineS, HEARTBEAT_SHARE)

/**
 * The configs of a topic that is kept for ever and erased by compaction within the deadline D.
 *
 * Let a null be acknowledged at 0. The worst that can happen to the bytes that it erases:
 *
 * - It is the first record of its segment (any earlier first record makes everything below come sooner). Kafka cleans only
 *   rolled segments, and a segment rolls on the first append after `segment.ms` = D/16. A heartbeat comes every D/8, so the
 *   segment has rolled at D/16 + D/8 = 3D/16 at the latest.
 * - The partition must be cleaned as soon as the first record of a rolled, uncleaned segment is older than `max.compaction.lag.ms`
 *   = D/2, whatever `min.cleanable.dirty.ratio` says. So it is due at max(3D/16, D/2) = D/2, also when it was cleaned just
 *   before the segment rolled.
 * - The cleaner looks every `log.cleaner.backoff.ms` (broker; 1 s here) and takes one partition after the other, so the broker's
 *   other partitions may come first: one round R over everything that is due.
 * - It swaps the cleaned segment in and renames the old ones `*.deleted`; they are unlinked after `file.delete.delay.ms`
 *   = min(60 s, D/8).
 *
 * D/2 + 1 s + R + min(60 s, D/8) < D leaves R at least 3D/8 − 1 s: 21.5 s of the shortest deadline (60 s), nearly 12 h of a day.
 * `min.compaction.lag.ms` is 0, since anything above it would keep the null's segment from being cleaned.
 *
 * What it costs: every pass rewrites the whole partition. After a pass the next is due D/2 after the first record of the
 * segment that was active, which is at most D/16 old in a busy partition and D/8 in one that receives heartbeats alone. So passes
 * are 7D/16 to D/2 apart, or 3D/8 to D/2: two to three a deadline. Segments of D/4 would make it up to four.
 *
 * Nulls stay readable for a week, so that a consumer that was away that long still sees them; they hold the key alone.
 */
export const compactedConfigs = (options: TopicOptions, messageBytesMax: number): Record<string, string> => {
  const ofDeadline = (share: number) => shareMs(options.erasureDeadlineS, share)
  return {
    'cleanup.policy': 'compact',
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(messageBytesMax),
    'min.insync.replicas': String(options.minInsyncReplicas),
    'unclean.leader.election.enable': 'false',
    'segment.ms': String(ofDeadline(ROLL_SHARE)),
    // Rolling at the same time everywhere would be a burst, but any jitter would have to be counted above.
    'segment.jitter.ms': '0',
    'max.compaction.lag.ms': String(ofDeadline(COMPACTION_LAG_SHARE)),
    'min.compaction.lag.ms': '0',
    // Beside the lag: a log that doubles is cleaned then, so that duplicates of an import do not wait for the lag.
    'min.cleanable.dirty.ratio': '0.5',
    'file.delete.delay.ms': String(Math.min(FILE_DELETE_DELAY_MS_MAX, ofDeadline(FILE_DELETE_SHARE))),
    'delete.retention.ms': String(7 * DAY_MS),
    'compression.type': 'producer',
  }
}
