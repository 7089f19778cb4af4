import type { Command } from 'commander'
import type { Session } from '../session.ts'
import { collectStatus } from '../status/collect.ts'
import { renderStatus } from '../status/render.ts'
import { wholeNumber } from '../terminal/arguments.ts'
import { writeJson } from '../terminal/console.ts'
import { CommandFailure } from '../terminal/exit.ts'

interface Options {
  readonly json?: boolean
  readonly lagMax: number
}

export function addStatusCommand(program: Command, session: Session): void {
  program
    .command('status')
    .description(
      'parts, topics, groups, lag in records and seconds, watermarks, dead letters; exit code 1 when something is not well',
    )
    .option('--lag-max <seconds>', 'lag that is still well', wholeNumber(), 60)
    .option('--json', 'print JSON')
    .action((options: Options) => showStatus(session, options))
}

async function showStatus(session: Session, { json, lagMax }: Options): Promise<void> {
  const report = await collectStatus(await session.config(), lagMax)
  if (json === true) writeJson(session.console, report)
  else session.console.out.write(renderStatus(report))
  if (!report.healthy) throw new CommandFailure('something is not well')
}
