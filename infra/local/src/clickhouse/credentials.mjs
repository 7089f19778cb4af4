import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.mjs'
import { ROLES } from './roles.mjs'

/** `default` belongs to the embedded server's own session, so migrations have a user of their own. */
const MAINTENANCE_USER = 'millrace_maintenance'
const PASSWORD_BYTES = 24

/** What people's SQL shows is public, so only the users of services are closed by themselves. */
const SERVICES = ROLES.filter(({ name }) => name !== 'analyst').map(({ name }) => name.toUpperCase())

/** Where a stack keeps what it chose itself, by the names of the environment variables. @param {string} dataDir */
export const credentialsFile = (dataDir) => join(dataDir, 'clickhouse-users.json')

/**
 * The environment with users and passwords for every service of the local ClickHouse: given ones, else those that the data
 * folder keeps, else new random ones, which it keeps from now on (mode 0600). `ctl` reads that file. Throws OperatorError when the
 * file is none.
 * @param {string} dataDir
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withCredentials(dataDir, env) {
  const kept = readKept(credentialsFile(dataDir))
  /** @type {Record<string, string>} */
  const chosen = {}
  if (!env['CLICKHOUSE_MAINTENANCE_USER']) chosen['CLICKHOUSE_MAINTENANCE_USER'] = MAINTENANCE_USER
  for (const service of SERVICES) {
    const name = `CLICKHOUSE_${service}_PASSWORD`
    if (!env[name]) chosen[name] = kept[name] ?? randomBytes(PASSWORD_BYTES).toString('hex')
  }
  keep(credentialsFile(dataDir), { ...kept, ...chosen })
  return { ...env, ...chosen }
}

/** @param {string} file @returns {Record<string, string>} */
function readKept(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return {}
    throw new OperatorError(
      `${file} cannot be read (${/** @type {Error} */ (error).message}): remove it, and new passwords are made`,
      error,
    )
  }
}

/** The file appears whole or not at all. @param {string} file @param {Record<string, string>} values */
function keep(file, values) {
  const draft = `${file}.draft`
  writeFileSync(draft, `${JSON.stringify(values, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
}
