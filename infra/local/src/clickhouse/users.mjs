import { createHash } from 'node:crypto'
import { OperatorError } from '../operator-error.mjs'

/**
 * @typedef {object} Limits
 * @property {number} memoryBytesMax per query
 * @property {number} executionS per query
 * @property {number} [executionMaxS] what a query may ask for instead; executionS unless given
 * @property {number} threadsMax per query
 * @property {number} concurrentMax queries of the user at a time
 *
 * @typedef {object} Role
 * @property {string} name as in CLICKHOUSE_<ROLE>_USER and CLICKHOUSE_<ROLE>_PASSWORD
 * @property {string} defaultUser
 * @property {Limits} limits
 * @property {0 | 2} readonly 2 = reads only, but a query may lower its own limits
 * @property {readonly string[] | 'all'} grants
 */

const GIB = 1024 ** 3

/** What every reader may see of the server itself: tables and columns it has grants for, and how busy it is. */
const METADATA = ['tables', 'columns', 'databases', 'parts', 'mutations', 'processes', 'dictionaries'].map(
  (table) => `GRANT SELECT ON system.${table}`,
)

const READ_ALL = ['GRANT SELECT, dictGet ON nostr_store.*', 'GRANT SELECT, dictGet ON nostr.*']

/** Who asks ClickHouse. The analyst sees only the views of `nostr`, which run with their definer's rights. */
export const ROLES = /** @type {readonly Role[]} */ ([
  {
    name: 'maintenance',
    defaultUser: 'default',
    limits: { memoryBytesMax: 2 * GIB, executionS: 3600, threadsMax: 4, concurrentMax: 50 },
    readonly: 0,
    grants: 'all',
  },
  {
    name: 'insert',
    defaultUser: 'millrace_insert',
    limits: { memoryBytesMax: 1.5 * GIB, executionS: 300, threadsMax: 2, concurrentMax: 50 },
    readonly: 0,
    grants: [
      'GRANT SELECT, INSERT, ALTER UPDATE, ALTER DELETE, OPTIMIZE, TRUNCATE, dictGet ON nostr_store.*',
      'GRANT SELECT, dictGet ON nostr.*',
      'GRANT CREATE TEMPORARY TABLE ON *.*',
      'GRANT SYSTEM RELOAD DICTIONARY ON *.*',
      ...METADATA,
    ],
  },
  {
    name: 'req',
    defaultUser: 'millrace_req',
    // An edge reads all known ids once, at its start.
    limits: {
      memoryBytesMax: 0.5 * GIB,
      executionS: 10,
      executionMaxS: 600,
      threadsMax: 2,
      concurrentMax: 100,
    },
    readonly: 2,
    grants: [...READ_ALL, 'GRANT CREATE TEMPORARY TABLE ON *.*', ...METADATA],
  },
  {
    name: 'api',
    defaultUser: 'millrace_api',
    limits: { memoryBytesMax: 1 * GIB, executionS: 30, threadsMax: 2, concurrentMax: 50 },
    readonly: 2,
    grants: [...READ_ALL, 'GRANT CREATE TEMPORARY TABLE ON *.*', ...METADATA],
  },
  {
    name: 'analyst',
    defaultUser: 'analyst',
    limits: { memoryBytesMax: 1 * GIB, executionS: 60, threadsMax: 2, concurrentMax: 8 },
    readonly: 2,
    grants: [
      'GRANT SELECT ON nostr.*',
      ...['tables', 'columns', 'databases'].map((t) => `GRANT SELECT ON system.${t}`),
    ],
  },
])

const escapeXml = (/** @type {string} */ text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/**
 * The users file: users with their own limits, from 127.0.0.1 only. Passwords come from CLICKHOUSE_<ROLE>_PASSWORD and
 * are written as SHA-256.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
export function usersXml(env = process.env) {
  const users = ROLES.map((role) => ({
    role,
    name: env[`CLICKHOUSE_${role.name.toUpperCase()}_USER`] || role.defaultUser,
  }))
  const maintenance = users.find(({ role }) => role.name === 'maintenance')?.name
  // The embedded server's own session logs in as `default` and can give no password.
  if (maintenance === 'default' && env['CLICKHOUSE_MAINTENANCE_PASSWORD'])
    throw new OperatorError(
      'CLICKHOUSE_MAINTENANCE_PASSWORD: the local ClickHouse needs its user `default` without one; name another in CLICKHOUSE_MAINTENANCE_USER',
    )
  const entries = users.map(({ role, name }) =>
    user(role, name, env[`CLICKHOUSE_${role.name.toUpperCase()}_PASSWORD`]),
  )
  if (maintenance !== 'default') entries.push(SESSION_USER)
  return `<clickhouse>
  <profiles>
    <default>${PINNED}</default>
${users.map(({ role }) => profile(role)).join('\n')}
  </profiles>
  <quotas>
    <default/>
    <analyst><interval><duration>60</duration><queries>600</queries><execution_time>120</execution_time></interval></analyst>
  </quotas>
  <users>
${entries.join('\n')}
  </users>
</clickhouse>
`
}

/**
 * Pinned against changing defaults: an asynchronous insert would be acknowledged before it is stored, and the sinks are
 * idempotent without the server's deduplication, which drops rows silently when a token is reused.
 */
const PINNED =
  '<async_insert>0</async_insert><insert_deduplicate>0</insert_deduplicate>' +
  '<deduplicate_blocks_in_dependent_materialized_views>0</deduplicate_blocks_in_dependent_materialized_views>' +
  '<log_queries>0</log_queries>'

/** Only what the command line session of the embedded server does: listen, and read its stdin. */
const SESSION_USER = `    <default><no_password/><networks><ip>127.0.0.1</ip><ip>::1</ip></networks><profile>default</profile><quota>default</quota><grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.*</query><query>GRANT FILE ON *.*</query></grants></default>`

/** @param {Role} role */
const profile = ({ name, limits, readonly }) => `    <${name}>
      ${PINNED}
      <max_memory_usage>${limits.memoryBytesMax}</max_memory_usage>
      <max_execution_time>${limits.executionS}</max_execution_time>
      <max_threads>${limits.threadsMax}</max_threads>
      <max_concurrent_queries_for_user>${limits.concurrentMax}</max_concurrent_queries_for_user>
      <readonly>${readonly}</readonly>${readonly === 0 ? '' : constraints(limits)}
    </${name}>`

/** @param {Limits} limits */
const constraints = (limits) => `
      <constraints>
        <max_memory_usage><max>${limits.memoryBytesMax}</max><min>1</min></max_memory_usage>
        <max_execution_time><max>${limits.executionMaxS ?? limits.executionS}</max><min>0.001</min></max_execution_time>
        <max_threads><max>${limits.threadsMax}</max><min>1</min></max_threads>
        <max_concurrent_queries_for_user><readonly/></max_concurrent_queries_for_user>
      </constraints>`

/** @param {Role} role @param {string} name @param {string | undefined} password */
function user(role, name, password) {
  const secret = password
    ? `<password_sha256_hex>${createHash('sha256').update(password).digest('hex')}</password_sha256_hex>`
    : '<no_password/>'
  const grants =
    role.grants === 'all'
      ? '<access_management>1</access_management><named_collection_control>1</named_collection_control>'
      : `<grants>${role.grants.map((g) => `<query>${escapeXml(g)}</query>`).join('')}</grants>`
  const quota = role.name === 'analyst' ? 'analyst' : 'default'
  return `    <${name}>${secret}<networks><ip>127.0.0.1</ip><ip>::1</ip></networks><profile>${role.name}</profile><quota>${quota}</quota>${grants}</${name}>`
}
