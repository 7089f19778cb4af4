import type { Offset, TopicPartition } from '../port.ts'
import type { Lane } from './lane.ts'
import type { Notice } from './notice.ts'

/** One generation of a group, as one member sees it. */
export interface Membership {
  readonly partitions: readonly TopicPartition[]
  /** Settles when the assignment ends: a rebalance, or a lost session. */
  readonly over: Promise<void>
}

export interface PartitionRange {
  readonly earliest: Offset
  readonly end: Offset
}

/** What an adapter has to bring so that a GroupConsumer can run on it. */
export interface ConsumerBackend {
  /**
   * Joins the group, or joins it again, and answers the assignment. Waits while the log is away; resolves to null when
   * the signal aborts. Rejects with FaultError when it cannot work.
   */
  join(signal: AbortSignal): Promise<Membership | null>
  /** First offset and end of each partition, keyed by `partitionKey`. Rejects while the log is away. */
  ranges(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, PartitionRange>>
  /**
   * Fills hungry lanes until the signal aborts; rides out outages. `notice` comes when a lane became hungry again.
   * Rejects with FaultError when it cannot go on.
   */
  read(lanes: readonly Lane[], notice: Notice, signal: AbortSignal): Promise<void>
  /** Best effort. */
  commit(positions: readonly (TopicPartition & { readonly offset: Offset })[]): Promise<void>
  /** Leaves the group and lets go of connections; never rejects. */
  close(): Promise<void>
}

export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`
