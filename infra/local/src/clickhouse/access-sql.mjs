import { ROLES } from './roles.mjs'
import { PINNED_SETTINGS } from './users.mjs'
import { POLICY_TABLES, shownRows, VIEWS_SETTINGS, VIEWS_TABLES, VIEWS_USER } from './views-user.mjs'

/** @typedef {import('./roles.mjs').Role} Role */

const HEAD = `-- The users of Millrace for a ClickHouse that manages users by SQL; with users.xml mounted, this is not needed. Run it as an
-- administrator before \`ctl tables migrate\`, and again with every update: each statement replaces what is there. Then make a
-- user for each role, with the name and password that CLICKHOUSE_<ROLE>_USER and _PASSWORD tell the services:
--   CREATE USER analyst IDENTIFIED BY '…' DEFAULT ROLE millrace_role_analyst;
-- The user of migrations needs all rights on nostr and nostr_store, SET DEFINER, ALLOW SQL SECURITY NONE and SHOW ACCESS.
-- infra/local/src/clickhouse writes this file.
`

const ANALYST_QUOTA =
  'CREATE QUOTA OR REPLACE millrace_analyst FOR INTERVAL 1 minute MAX queries = 600, execution_time = 120 TO millrace_role_analyst;'

/** @param {Readonly<Record<string, string | number>>} settings */
const pairs = (settings) => Object.entries(settings).map(([name, value]) => `${name} = ${value}`)

/**
 * infra/clickhouse/access.sql: the same users, limits and row policies as users.xml.
 * @returns {string}
 */
export const accessSql = () =>
  `${[HEAD, ...viewsUser(), ...ROLES.flatMap(roleStatements), ANALYST_QUOTA].join('\n')}\n`

/** The definer of the views: nobody can sign in as it. */
function viewsUser() {
  const policyTables = POLICY_TABLES.map((table) => `nostr_store.${table}`).join(', ')
  return [
    `CREATE SETTINGS PROFILE OR REPLACE ${VIEWS_USER} SETTINGS ${pairs(VIEWS_SETTINGS).join(', ')};`,
    `CREATE USER IF NOT EXISTS ${VIEWS_USER} NOT IDENTIFIED HOST NONE;`,
    `ALTER USER ${VIEWS_USER} HOST NONE SETTINGS PROFILE ${VIEWS_USER};`,
    `REVOKE ALL ON *.* FROM ${VIEWS_USER};`,
    ...VIEWS_TABLES.map((table) => `GRANT SELECT ON nostr_store.${table} TO ${VIEWS_USER};`),
    `CREATE ROW POLICY OR REPLACE millrace_shown ON ${policyTables} FOR SELECT USING ${shownRows()} TO ${VIEWS_USER};`,
    '-- Where a table with policies shows nothing to users without one.',
    `CREATE ROW POLICY OR REPLACE millrace_everything ON ${policyTables} FOR SELECT USING 1 TO ALL EXCEPT ${VIEWS_USER};`,
  ]
}

/** @param {Role} role */
function roleStatements({ name, limits, readonly, openSettings = [], grants }) {
  if (grants === 'all') return []
  const open = readonly === 1 ? ' CHANGEABLE_IN_READONLY' : ''
  const executionMaxS = limits.executionMaxS ?? limits.executionS
  const settings = [
    ...pairs(PINNED_SETTINGS),
    `max_memory_usage = ${limits.memoryBytesMax} MIN 1 MAX ${limits.memoryBytesMax}${open}`,
    `max_execution_time = ${limits.executionS} MIN 0.001 MAX ${executionMaxS}${open}`,
    `max_threads = ${limits.threadsMax} MIN 1 MAX ${limits.threadsMax}${open}`,
    `max_concurrent_queries_for_user = ${limits.concurrentMax} CONST`,
    `readonly = ${readonly}`,
    ...openSettings.map((setting) => `${setting} CHANGEABLE_IN_READONLY`),
  ]
  const role = `millrace_role_${name}`
  return [
    `CREATE SETTINGS PROFILE OR REPLACE ${role} SETTINGS ${settings.join(', ')};`,
    `CREATE ROLE IF NOT EXISTS ${role};`,
    `ALTER ROLE ${role} SETTINGS PROFILE ${role};`,
    ...grants.map((grant) => `${grant} TO ${role};`),
  ]
}
