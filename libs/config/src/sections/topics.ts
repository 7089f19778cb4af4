import { z } from 'zod'
import { defineSection } from '../define.ts'
import { wholeNumber } from '../values.ts'
import { erasureShape } from './erasure.ts'

/** What an operator chooses for the topics of the whole cluster; assignable to the catalogue's options. */
export interface TopicsConfig {
  /** N of DESIGN 2.3: partitions of nostr.events, tombstones and ephemeral; fixed for the topics' life. */
  readonly eventPartitionCount: number
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  /** power-cut: every append is fsynced before its acknowledgement; process: the page cache has it. */
  readonly durability: 'power-cut' | 'process'
  /** How long erased bytes may stay in the log, seconds. */
  readonly erasureDeadlineS: number
}

export const topicsSection = defineSection(
  'Topics',
  {
    EVENT_PARTITIONS: wholeNumber(
      'partitions',
      8,
      'Partitions of the event topics; fixed once the topics exist',
      { min: 1, max: 1024 },
    ),
    KAFKA_REPLICATION_FACTOR: wholeNumber('replicas', 1, 'Replicas per partition; 3 in production', {
      min: 1,
      max: 32,
    }),
    KAFKA_MIN_INSYNC_REPLICAS: wholeNumber(
      'replicas',
      1,
      'Replicas that must have a record before it is acknowledged; 2 in production',
      { min: 1, max: 32 },
    ),
    DURABILITY: z
      .enum(['power-cut', 'process'])
      .default('power-cut')
      .describe('What an acknowledged event survives: power-cut syncs every append to disk'),
    ...erasureShape,
  },
  (v): TopicsConfig => ({
    eventPartitionCount: v.EVENT_PARTITIONS,
    replicationFactor: v.KAFKA_REPLICATION_FACTOR,
    minInsyncReplicas: v.KAFKA_MIN_INSYNC_REPLICAS,
    durability: v.DURABILITY,
    erasureDeadlineS: v.ERASURE_DEADLINE_S,
  }),
)
