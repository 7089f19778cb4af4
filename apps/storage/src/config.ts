import { hostname } from 'node:os'
import {
  clickHouseSection,
  defineSection,
  erasureSection,
  kafkaSection,
  processSection,
  text,
  wholeNumber,
} from '@millrace/config'

/** The consumer group, and the sink's name in the watermarks. */
export const GROUP = 'storage'

export interface StorageConfig {
  /** Names this instance among those of the group: its tombstone group and watermarks are its own. */
  readonly instanceId: string
  readonly batchRowsMax: number
  readonly batchBytesMax: number
  readonly batchWaitMs: number
  readonly fetchRecordsMax: number
  readonly deadInARowMax: number
  readonly deadPerMinuteMax: number
  readonly retryWaitMaxMs: number
  readonly sessionTimeoutMs: number
  /** 0: a sixteenth of the erasure deadline, a minute at most. */
  readonly erasureWaitMs: number
  readonly erasureTombstonesMax: number
}

const DEFAULT_OPS_PORT = 7779
const MIB = 1024 * 1024

export const storageSection = defineSection(
  'Storage',
  {
    STORAGE_INSTANCE_ID: text(
      '',
      'Name of this instance, different for each one and kept over restarts; empty: host name and ops port',
    ),
    STORAGE_BATCH_ROWS_MAX: wholeNumber('events', 20_000, 'Events of one write at most', { min: 1 }),
    STORAGE_BATCH_BYTES_MAX: wholeNumber('bytes', 32 * MIB, 'Record bytes of one write at most', { min: 1 }),
    STORAGE_BATCH_WAIT_MS: wholeNumber(
      'ms',
      1_000,
      'Longest wait for company under load: a tenth of it after a quiet time, five times it while behind',
      { max: 60_000 },
    ),
    STORAGE_FETCH_RECORDS_MAX: wholeNumber('records', 2_000, 'Records of one partition taken in at a time', {
      min: 1,
    }),
    STORAGE_DEAD_IN_A_ROW_MAX: wholeNumber(
      'records',
      100,
      'Refused records of a partition in a row that stop the process',
      { min: 1 },
    ),
    STORAGE_DEAD_PER_MINUTE_MAX: wholeNumber(
      'records',
      1_000,
      'Refused records within a minute that stop the process',
      { min: 1 },
    ),
    STORAGE_RETRY_WAIT_MAX_MS: wholeNumber(
      'ms',
      5_000,
      'Longest wait between tries while ClickHouse is away',
      {
        min: 1,
      },
    ),
    STORAGE_SESSION_TIMEOUT_MS: wholeNumber(
      'ms',
      6_000,
      'After this long without a sign of life the partitions of an instance go to the others',
      { min: 1_000 },
    ),
    STORAGE_ERASURE_WAIT_MS: wholeNumber(
      'ms',
      0,
      'How long tombstones gather before their rows are deleted; 0: a sixteenth of the erasure deadline, a minute at most',
    ),
    STORAGE_ERASURE_TOMBSTONES_MAX: wholeNumber(
      'tombstones',
      10_000,
      'Tombstones of one partition whose rows are deleted together',
      { min: 1 },
    ),
  },
  (v): StorageConfig => ({
    instanceId: v.STORAGE_INSTANCE_ID,
    batchRowsMax: v.STORAGE_BATCH_ROWS_MAX,
    batchBytesMax: v.STORAGE_BATCH_BYTES_MAX,
    batchWaitMs: v.STORAGE_BATCH_WAIT_MS,
    fetchRecordsMax: v.STORAGE_FETCH_RECORDS_MAX,
    deadInARowMax: v.STORAGE_DEAD_IN_A_ROW_MAX,
    deadPerMinuteMax: v.STORAGE_DEAD_PER_MINUTE_MAX,
    retryWaitMaxMs: v.STORAGE_RETRY_WAIT_MAX_MS,
    sessionTimeoutMs: v.STORAGE_SESSION_TIMEOUT_MS,
    erasureWaitMs: v.STORAGE_ERASURE_WAIT_MS,
    erasureTombstonesMax: v.STORAGE_ERASURE_TOMBSTONES_MAX,
  }),
)

export const storageSections = {
  process: processSection(DEFAULT_OPS_PORT),
  kafka: kafkaSection,
  clickhouse: clickHouseSection,
  erasure: erasureSection,
  storage: storageSection,
}

/** Two instances on one host differ by their ops ports; a process that takes a free one is told apart by its id. */
export const instanceIdOf = (config: StorageConfig, opsPort: number): string =>
  config.instanceId !== ''
    ? config.instanceId
    : `${hostname()}-${opsPort === 0 ? `p${process.pid}` : opsPort}`
