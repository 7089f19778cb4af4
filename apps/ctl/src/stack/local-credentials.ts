import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '@millrace/config'
import { CommandFailure } from '../terminal/exit.ts'

/** What the launcher keeps of the local ClickHouse's users, by the names of the environment variables. */
const FILE = 'clickhouse-users.json'

/**
 * Users and passwords of the local ClickHouse for what the environment leaves unset. Empty with CLICKHOUSE_URL, and where no stack has
 * run in the data folder. Throws CommandFailure when the file is there and cannot be read.
 */
export function localCredentials(env: Environment, dataDir: string): Environment {
  if ((env['CLICKHOUSE_URL'] ?? '') !== '') return {}
  const file = join(dataDir, FILE)
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Environment
    return Object.fromEntries(Object.entries(kept).filter(([name]) => (env[name] ?? '') === ''))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailure(`the passwords of the local ClickHouse cannot be read from ${file}: ${reason}`)
  }
}
