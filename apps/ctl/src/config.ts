import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type ConfigOf,
  clickHouseSection,
  defineSection,
  type Environment,
  kafkaSection,
  list,
  parseConfig,
  text,
  topicsSection,
  wholeNumber,
} from '@millrace/config'
import { unwrap } from '@millrace/kernel'
import { localAddresses } from './stack/local-addresses.ts'
import { localCredentials } from './stack/local-credentials.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const localSection = defineSection(
  'Data',
  { MILLRACE_DATA: text('./.millrace', 'Folder of the local stack, and of import checkpoints') },
  // As the launcher does: a relative folder is one of the clone, wherever the command is called from.
  (v) => ({ dataDir: resolve(ROOT, v.MILLRACE_DATA) }),
)

/** The relay's own limit, so that an import takes what a client may send. */
const admissionSection = defineSection(
  'Admission',
  { EVENT_FUTURE_MAX_S: wholeNumber('s', 900, 'How far ahead of now an imported event may be dated') },
  (v) => ({ eventFutureMaxS: v.EVENT_FUTURE_MAX_S }),
)

/** Where erasures are told of, and where they can be looked for. */
const erasureLookupSection = defineSection(
  'Erasure ledger',
  {
    DELETION_URLS: list(
      'Ops servers of the deletion consumers; the local stack’s when unset',
      'http://127.0.0.1:7782',
    ),
    KAFKA_LOG_DIRS: list(
      'Log directories of the brokers on this machine, for `ctl erasure verify`; the local stack’s when unset',
    ),
  },
  (v) => ({ deletionUrls: v.DELETION_URLS, kafkaLogDirs: v.KAFKA_LOG_DIRS }),
)

/** Every setting that ctl reads. */
export const SECTIONS = {
  kafka: kafkaSection,
  clickhouse: clickHouseSection,
  topics: topicsSection,
  admission: admissionSection,
  local: localSection,
  erasure: erasureLookupSection,
}

export type CtlConfig = ConfigOf<typeof SECTIONS>

/** The folder of the local stack: needed before its addresses can be asked for. */
export const dataDirOf = (env: Environment): string =>
  unwrap(parseConfig({ local: localSection }, env)).local.dataDir

/**
 * The configuration of one command. Where KAFKA_BROKERS or CLICKHOUSE_URL are unset, the local stack of the data folder
 * says where its Kafka and ClickHouse listen, and the folder holds its passwords. Throws FaultError(configuration-invalid),
 * CommandFailure.
 */
export async function loadConfig(env: Environment): Promise<CtlConfig> {
  const dataDir = dataDirOf(env)
  const found = { ...localCredentials(env, dataDir), ...(await localAddresses(env, dataDir)) }
  return unwrap(parseConfig(SECTIONS, { ...env, ...found }))
}
