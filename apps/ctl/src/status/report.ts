import type { StackPart } from '../stack/control-socket.ts'

export interface TopicStatus {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Offsets between the first record and the end; compaction leaves gaps, so there may be fewer records. */
  readonly offsets: number
}

/** One reader of one topic. */
export interface ReaderStatus {
  /** A consumer group, or the sink of one. */
  readonly name: string
  readonly topic: string
  /** What its position is known by: the watermark in the store rules, a committed offset is only a report. */
  readonly by: 'watermark' | 'commit' | 'metrics'
  readonly lagRecords: number
  /** Age of the oldest unread record; 0 when everything is read, null when it could not be told. */
  readonly lagSeconds: number | null
}

export interface GroupStatus {
  readonly id: string
  readonly state: string
  readonly members: number
}

export interface WatermarkStatus {
  readonly sink: string
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
  /** The partition's end; null when the log is away. */
  readonly end: number | null
  readonly appliedAt: string
}

export interface DeadLetterStatus {
  readonly total: number
  readonly byCode: Readonly<Record<string, number>>
}

/** What `ctl status` knows; a part that could not be asked is null and has its line in `problems`. */
export interface StatusReport {
  readonly healthy: boolean
  /** One line per thing that an operator should look at; empty when all is well. */
  readonly problems: readonly string[]
  /** The processes of the local stack; null when there is none. */
  readonly parts: readonly StackPart[] | null
  readonly logId: string | null
  readonly topics: readonly TopicStatus[] | null
  readonly groups: readonly GroupStatus[] | null
  readonly readers: readonly ReaderStatus[] | null
  readonly watermarks: readonly WatermarkStatus[] | null
  readonly deadLetters: DeadLetterStatus | null
}
