import { createHash } from 'node:crypto'
import { OperatorError } from '../operator-error.mjs'
import { ROLES } from './roles.mjs'
import { POLICY_TABLES, shownRows, VIEWS_SETTINGS, VIEWS_TABLES, VIEWS_USER } from './views-user.mjs'

/**
 * @typedef {import('./roles.mjs').Role} Role
 * @typedef {import('./roles.mjs').Limits} Limits
 */

const escapeXml = (/** @type {string} */ text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/**
 * How a user proves who it is, and from where.
 * @typedef {{ secret: string, networks: string }} Access
 */

const LOCAL_NETWORKS = '<networks><ip>127.0.0.1</ip><ip>::1</ip></networks>'
const NAME = /^[A-Za-z_][\w-]*$/

/** @param {Role} role @param {NodeJS.ProcessEnv} env */
const userName = (role, env) => env[`CLICKHOUSE_${role.name.toUpperCase()}_USER`] || role.defaultUser

/**
 * The users file of the local server: users with their own limits, from 127.0.0.1 only. Passwords come from
 * CLICKHOUSE_<ROLE>_PASSWORD and are written as SHA-256. Throws OperatorError for names that cannot be.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
export function usersXml(env = process.env) {
  const users = ROLES.map((role) => ({ role, name: userName(role, env) }))
  assertNames(users, env)
  const entries = users.map(({ role, name }) => {
    const secret = passwordHash(env[`CLICKHOUSE_${role.name.toUpperCase()}_PASSWORD`])
    return userEntry(role, name, { secret, networks: LOCAL_NETWORKS })
  })
  if (users.some(({ name }) => name === 'default')) return document(entries)
  return document([...entries, SESSION_USER], SESSION_PROFILE)
}

/**
 * The same users for a server of its own (infra/clickhouse/users.xml): from the networks that reach it, with passwords
 * that the server reads from its environment.
 * @returns {string}
 */
export const serverUsersXml = () =>
  document(
    ROLES.map((role) =>
      userEntry(role, role.defaultUser, {
        secret: `<password from_env="CLICKHOUSE_${role.name.toUpperCase()}_PASSWORD"/>`,
        networks: '<networks><ip>::/0</ip></networks>',
      }),
    ),
  )

/** @param {readonly { role: Role, name: string }[]} users @param {NodeJS.ProcessEnv} env */
function assertNames(users, env) {
  const names = [VIEWS_USER, ...users.map(({ name }) => name)]
  const wrong = names.find((name, index) => !NAME.test(name) || names.indexOf(name) !== index)
  if (wrong !== undefined)
    throw new OperatorError(`CLICKHOUSE_<ROLE>_USER: "${wrong}" is no name, or is given to two roles`)
  // The embedded server's own session logs in as `default` and can give no password.
  const { name } = users.find(({ role }) => role.name === 'maintenance') ?? {}
  if (name === 'default' && env['CLICKHOUSE_MAINTENANCE_PASSWORD'])
    throw new OperatorError(
      'CLICKHOUSE_MAINTENANCE_PASSWORD: the local ClickHouse needs its user `default` without one; name another in CLICKHOUSE_MAINTENANCE_USER',
    )
}

/** @param {string | undefined} password */
const passwordHash = (password) =>
  password
    ? `<password_sha256_hex>${createHash('sha256').update(password).digest('hex')}</password_sha256_hex>`
    : '<no_password/>'

/** @param {readonly string[]} users @param {string} [moreProfiles] */
const document = (users, moreProfiles = '') => `<clickhouse>
  <profiles>
    <default>${PINNED}</default>
${ROLES.map(profile).join('\n')}
    <views>${tags(VIEWS_SETTINGS)}</views>
${moreProfiles}  </profiles>
  <quotas>
    <default/>
    <analyst><interval><duration>60</duration><queries>600</queries><execution_time>120</execution_time></interval></analyst>
  </quotas>
  <users>
${[...users, viewsEntry()].join('\n')}
  </users>
</clickhouse>
`

/**
 * Pinned against changing defaults: an asynchronous insert would be acknowledged before it is stored, and the sinks are
 * idempotent without the server's deduplication, which drops rows silently when a token is reused.
 */
export const PINNED_SETTINGS = /** @type {const} */ ({
  async_insert: 0,
  insert_deduplicate: 0,
  deduplicate_blocks_in_dependent_materialized_views: 0,
  log_queries: 0,
})

/** @param {Readonly<Record<string, string | number>>} values */
const tags = (values) =>
  Object.entries(values)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')

const PINNED = tags(PINNED_SETTINGS)

/** @param {readonly string[]} grants */
const grantsOf = (grants) =>
  `<grants>${grants.map((grant) => `<query>${escapeXml(grant)}</query>`).join('')}</grants>`

/**
 * The command line session of the embedded server is `default` and can give no password. It is there for as long as the
 * server is, so a limit of one session leaves none for anybody who comes over the network.
 */
const SESSION_LIMITS = { max_sessions_for_user: 1, max_concurrent_queries_for_user: 1 }
const SESSION_PROFILE = `    <session>${tags(SESSION_LIMITS)}<constraints>${Object.keys(SESSION_LIMITS)
  .map((name) => `<${name}><readonly/></${name}>`)
  .join('')}</constraints></session>\n`

/** Only what that session does: listen, and read its stdin. */
const SESSION_USER = `    <default><no_password/>${LOCAL_NETWORKS}<profile>session</profile><quota>default</quota>${grantsOf(
  [
    'GRANT SYSTEM LISTEN ON *.*',
    'GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.*',
    'GRANT READ ON FILE',
    'GRANT TABLE ENGINE ON File',
  ],
)}</default>`

/** The definer of the views: from no network at all, with the row policies that say what people see. */
function viewsEntry() {
  const grants = grantsOf(VIEWS_TABLES.map((table) => `GRANT SELECT ON nostr_store.${table}`))
  const filter = `<filter>${escapeXml(shownRows())}</filter>`
  const policies = POLICY_TABLES.map((table) => `<${table}>${filter}</${table}>`).join('')
  const databases = `<databases><nostr_store>${policies}</nostr_store></databases>`
  return `    <${VIEWS_USER}><no_password/><networks/><profile>views</profile><quota>default</quota>${grants}${databases}</${VIEWS_USER}>`
}

/** @param {Role} role */
const profile = ({ name, limits, readonly, openSettings = [] }) => `    <${name}>
      ${PINNED}
      <max_memory_usage>${limits.memoryBytesMax}</max_memory_usage>
      <max_execution_time>${limits.executionS}</max_execution_time>
      <max_threads>${limits.threadsMax}</max_threads>
      <max_concurrent_queries_for_user>${limits.concurrentMax}</max_concurrent_queries_for_user>
      <readonly>${readonly}</readonly>${readonly === 0 ? '' : constraints(limits, readonly === 1, openSettings)}
    </${name}>`

/** @param {Limits} limits @param {boolean} isStrict @param {readonly string[]} openSettings */
function constraints(limits, isStrict, openSettings) {
  const open = isStrict ? '<changeable_in_readonly/>' : ''
  const ranges = [
    ['max_memory_usage', limits.memoryBytesMax, 1],
    ['max_execution_time', limits.executionMaxS ?? limits.executionS, 0.001],
    ['max_threads', limits.threadsMax, 1],
  ].map(([name, max, min]) => `<${name}><max>${max}</max><min>${min}</min>${open}</${name}>`)
  const others = openSettings.map((name) => `<${name}>${open}</${name}>`)
  return `
      <constraints>
        ${[...ranges, ...others].join('\n        ')}
        <max_concurrent_queries_for_user><readonly/></max_concurrent_queries_for_user>
      </constraints>`
}

/** @param {Role} role @param {string} name @param {Access} access */
function userEntry(role, name, { secret, networks }) {
  const grants =
    role.grants === 'all'
      ? '<access_management>1</access_management><named_collection_control>1</named_collection_control>'
      : grantsOf(role.grants)
  const quota = role.name === 'analyst' ? 'analyst' : 'default'
  return `    <${name}>${secret}${networks}<profile>${role.name}</profile><quota>${quota}</quota>${grants}</${name}>`
}
