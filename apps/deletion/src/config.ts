import { hostname } from 'node:os'
import { join } from 'node:path'
import {
  type ConfigOf,
  defineSection,
  kafkaSection,
  processSection,
  relayAddressSection,
  retentionSection,
  text,
  topicsSection,
  wholeNumber,
} from '@millrace/config'

/** The consumer group; its committed offsets tell edges up to where requests have become tombstones. */
export const GROUP = 'deletion'

export interface DeletionConfig {
  readonly instanceId: string
  readonly batchRowsMax: number
  readonly batchBytesMax: number
  readonly batchWaitMs: number
  readonly fetchRecordsMax: number
  readonly dueIntervalMs: number
  readonly ledgerIntervalMs: number
  readonly retryWaitMaxMs: number
  readonly sessionTimeoutMs: number
}

const DEFAULT_OPS_PORT = 7782
const MIB = 1024 * 1024

export const deletionSection = defineSection(
  'Deletion',
  {
    DELETION_INSTANCE_ID: text(
      '',
      'Name of this instance, different for each one and kept over restarts; empty: host name and ops port',
    ),
    DELETION_BATCH_ROWS_MAX: wholeNumber('events', 5_000, 'Events of one transaction at most', { min: 1 }),
    DELETION_BATCH_BYTES_MAX: wholeNumber('bytes', 16 * MIB, 'Record bytes of one transaction at most', {
      min: 1,
    }),
    DELETION_BATCH_WAIT_MS: wholeNumber(
      'ms',
      500,
      'Longest wait for company under load: a tenth of it after a quiet time, five times it while behind',
      { max: 60_000 },
    ),
    DELETION_FETCH_RECORDS_MAX: wholeNumber('records', 2_000, 'Records of one partition taken in at a time', {
      min: 1,
    }),
    DELETION_DUE_INTERVAL_MS: wholeNumber(
      'ms',
      1_000,
      'Pause between looks at what has expired or is kept no longer',
      {
        min: 10,
      },
    ),
    DELETION_LEDGER_INTERVAL_MS: wholeNumber(
      'ms',
      2_000,
      'Pause between looks at how far open erasures are',
      { min: 50 },
    ),
    DELETION_RETRY_WAIT_MAX_MS: wholeNumber('ms', 5_000, 'Longest wait between tries while Kafka is away', {
      min: 1,
    }),
    DELETION_SESSION_TIMEOUT_MS: wholeNumber(
      'ms',
      10_000,
      'After this long without a sign of life the partitions of an instance go to the others',
      { min: 1_000 },
    ),
  },
  (v): DeletionConfig => ({
    instanceId: v.DELETION_INSTANCE_ID,
    batchRowsMax: v.DELETION_BATCH_ROWS_MAX,
    batchBytesMax: v.DELETION_BATCH_BYTES_MAX,
    batchWaitMs: v.DELETION_BATCH_WAIT_MS,
    fetchRecordsMax: v.DELETION_FETCH_RECORDS_MAX,
    dueIntervalMs: v.DELETION_DUE_INTERVAL_MS,
    ledgerIntervalMs: v.DELETION_LEDGER_INTERVAL_MS,
    retryWaitMaxMs: v.DELETION_RETRY_WAIT_MAX_MS,
    sessionTimeoutMs: v.DELETION_SESSION_TIMEOUT_MS,
  }),
)

export const deletionSections = {
  process: processSection(DEFAULT_OPS_PORT),
  kafka: kafkaSection,
  topics: topicsSection,
  relayAddress: relayAddressSection,
  retention: retentionSection,
  deletion: deletionSection,
}

export type DeletionAppConfig = ConfigOf<typeof deletionSections>

/** Two instances on one host differ by their ops ports; a process that takes a free one is told apart by its id. */
export const instanceIdOf = (config: DeletionConfig, opsPort: number): string =>
  config.instanceId !== ''
    ? config.instanceId
    : `${hostname()}-${opsPort === 0 ? `p${process.pid}` : opsPort}`

export const stateFolderOf = ({ process: { dataDir, opsPort }, deletion }: DeletionAppConfig): string =>
  join(dataDir, 'deletion', instanceIdOf(deletion, opsPort))
