import { FAULT_CODES, type FaultCode, unwrap } from '@millrace/kernel'
import { type RedriveReport, redrive } from '@millrace/pipeline'
import type { Command } from 'commander'
import type { Session } from '../session.ts'
import { withLog } from '../stack/connections.ts'
import { listOf } from '../terminal/arguments.ts'
import { writeJson, writeLine } from '../terminal/console.ts'
import { usageFailure } from '../terminal/exit.ts'
import { startProgress } from '../terminal/progress.ts'
import { formatCount } from '../terminal/units.ts'

interface Options {
  readonly code?: readonly string[]
  readonly topic?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function addRedriveCommand(program: Command, session: Session): void {
  program
    .command('redrive')
    .description('put dead letters back into the topic they came from, and erase the letters')
    .option(
      '--code <code,…>',
      'only letters with these fault codes',
      listOf((text) => text),
    )
    .option('--topic <name>', 'only letters from this topic')
    .option('--dry-run', 'count, and append nothing')
    .option('--json', 'print the report as JSON')
    .action((options: Options) => redriveLetters(session, options))
}

async function redriveLetters(session: Session, options: Options): Promise<void> {
  const codes = options.code?.map(asFaultCode)
  const config = await session.config()
  const isDryRun = options.dryRun === true
  const report = await withLog(config, async (log) => {
    const producer = await log.producer()
    let progress: ReturnType<typeof startProgress> | null = null
    try {
      return unwrap(
        await redrive({
          log,
          producer,
          isDryRun,
          ...(codes !== undefined && { codes }),
          ...(options.topic !== undefined && { topic: options.topic }),
          onProgress: (done, total) => {
            progress ??= startProgress({ noun: 'letters', total, stream: session.console.err })
            progress.update(done, done)
          },
        }),
      )
    } finally {
      ;(progress as ReturnType<typeof startProgress> | null)?.stop()
      await producer.close()
    }
  })
  if (options.json === true) writeJson(session.console, report)
  else printReport(session, report, isDryRun)
}

function printReport({ console }: Session, report: RedriveReport, isDryRun: boolean): void {
  writeLine(console, `${formatCount(report.chosen)} dead letters chosen`)
  for (const [code, count] of Object.entries(report.byCode))
    writeLine(console, `  ${formatCount(count)} ${code}`)
  writeLine(
    console,
    `${formatCount(report.redriven)} ${isDryRun ? 'would be appended' : 'appended'} to their topic again`,
  )
  writeLine(console, `${formatCount(report.erased)} left out: their event was deleted`)
  writeLine(console, `${formatCount(report.withoutValue)} kept: the letter does not hold the record`)
}

function asFaultCode(text: string): FaultCode {
  if ((FAULT_CODES as readonly string[]).includes(text)) return text as FaultCode
  throw usageFailure(`--code ${text}: no such fault code`)
}
