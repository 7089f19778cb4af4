import { type Migration, migrate } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import { applyErasureDeadline, checkViewAccess, eventsMigrations } from '@millrace/projection-events'
import type { Command } from 'commander'
import type { Session } from '../session.ts'
import { withClickHouse } from '../stack/connections.ts'
import { writeJson, writeLine } from '../terminal/console.ts'
import { resetTables } from './tables-reset.ts'

/** The tables of every projection; a new projection is one line here. */
const migrations = (): readonly Migration[] => [...eventsMigrations()]

export function addTablesCommands(program: Command, session: Session): void {
  const tables = program.command('tables').description('ClickHouse databases, tables and views')
  tables
    .command('migrate')
    .description('bring the tables and views to this version')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => migrateTables(session, options.json === true))
  tables
    .command('reset')
    .description(
      'drop everything in ClickHouse, so that storage rebuilds it from the log (stop storage first)',
    )
    .option('--yes', 'really')
    .action((options: { yes?: boolean }) => resetTables(session, options.yes === true))
}

async function migrateTables(session: Session, asJson: boolean): Promise<void> {
  const config = await session.config()
  const done = await withClickHouse(config, 'maintenance', async (ch) => {
    unwrap(await checkViewAccess(ch))
    const report = unwrap(await migrate(ch, migrations()))
    unwrap(await applyErasureDeadline(ch, config.topics.erasureDeadlineS))
    return report
  })
  if (asJson) return writeJson(session.console, done)
  for (const name of done.applied) writeLine(session.console, `applied ${name}`)
  if (done.applied.length === 0) writeLine(session.console, `up to date (${done.alreadyApplied} migrations)`)
}
