import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { unwrap } from '@millrace/kernel'
import type { CtlConfig } from '../config.ts'
import type { Session } from '../session.ts'
import { withAdmin, withClickHouse, withLog } from '../stack/connections.ts'
import { controlSocketPath } from '../stack/control-socket.ts'
import { writeLine } from '../terminal/console.ts'
import { CommandFailure, usageFailure } from '../terminal/exit.ts'

/** What a rebuild throws away: the views go with their database. */
const DATABASES = ['nostr', 'nostr_store'] as const
const STORAGE_GROUP = 'storage'

/**
 * Throws away everything in ClickHouse, so that storage rebuilds it from the log. Where the server is the local stack's and
 * the stack is down (it does not start on a log that its tables do not belong to), its data folder goes.
 */
export async function resetTables(session: Session, confirmed: boolean): Promise<void> {
  if (!confirmed)
    throw usageFailure(
      `this drops the databases ${DATABASES.join(' and ')}: add --yes (what only ClickHouse holds can be saved with ctl export)`,
    )
  const config = await session.config()
  const folder = localFolder(session, config)
  const reached = await withClickHouse(config, 'maintenance', (ch) => ch.ping())
  if (!reached.ok && folder !== null) {
    await rm(folder, { recursive: true })
    writeLine(
      session.console,
      `removed ${folder}; npm start makes the tables again and storage reads the log from its beginning`,
    )
    return
  }
  unwrap(reached)
  await refuseWhileStorageRuns(config)
  await withClickHouse(config, 'maintenance', async (ch) => {
    for (const database of DATABASES) unwrap(await ch.command(`DROP DATABASE IF EXISTS ${database} SYNC`))
  })
  writeLine(
    session.console,
    'dropped; run ctl tables migrate, then start storage: it reads the log from its beginning',
  )
}

/** The data of the local stack's own ClickHouse, while that stack is down. */
function localFolder({ env }: Session, { local }: CtlConfig): string | null {
  const isExternal = (env['CLICKHOUSE_URL'] ?? '') !== ''
  const folder = join(local.dataDir, 'clickhouse')
  return isExternal || controlSocketPath(local.dataDir) !== null || !existsSync(folder) ? null : folder
}

/** A running storage would go on from its place in the log, and what lies before it would be missing for ever. */
async function refuseWhileStorageRuns(config: CtlConfig): Promise<void> {
  const groups = await withLog(config, (log) => withAdmin(log, (admin) => admin.describeGroups()))
  const members = groups.find(({ groupId }) => groupId === STORAGE_GROUP)?.members.length ?? 0
  if (members > 0)
    throw new CommandFailure(
      `storage is running (${members} in the group ${STORAGE_GROUP}): stop it first, locally with ctl part stop storage`,
    )
}
