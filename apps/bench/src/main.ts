import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { renderReport, writeReport } from './report/report.ts'
import { runBench } from './run.ts'
import { Steps } from './steps.ts'
import { startOwn, type Target, useRelay, useRunning } from './target/target.ts'

interface Options {
  readonly relay?: string
  readonly running?: string | true
  readonly scale: number
  readonly seed: string
  readonly out: string
}

const ROOT = join(import.meta.dirname, '../../..')

function scale(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 100) return value
  throw new InvalidArgumentError('must be a number above 0, at most 100')
}

const command = new Command('bench')
  .description(
    'measures publish, REQ, fanout, the sink and memory, and prints one table; starts a stack of its own unless told otherwise',
  )
  .option('--relay <url>', 'measure a relay by its address: no sink, no memory')
  .option(
    '--running [folder]',
    'measure the stack that runs in this data folder (default: MILLRACE_DATA); what is published stays there',
  )
  .option('--scale <factor>', 'share of the full size, such as 0.1 for a quick look', scale, 1)
  .option('--seed <text>', 'seed of the published corpus (default: another one each time)', `${Date.now()}`)
  .option('--out <folder>', 'where the reports go', join(ROOT, 'bench-results'))
  .action(async (options: Options) => {
    const steps = new Steps(process.stderr)
    const target = await steps.step('starting', () => targetOf(options))
    // A stack of our own does not see the terminal's Ctrl-C.
    process.once('SIGINT', () => void target.stop().then(() => process.exit(130)))
    try {
      const report = await runBench(target, options, steps)
      process.stdout.write(`\n${renderReport(report)}`)
      process.stdout.write(`written to ${writeReport(report, options.out)}.{json,txt}\n`)
    } finally {
      await steps.step('stopping', () => target.stop())
    }
  })

function targetOf({ relay, running }: Options): Promise<Target> {
  if (relay !== undefined) return Promise.resolve(useRelay(relay))
  if (running === undefined) return startOwn(() => {})
  return useRunning(running === true ? (process.env['MILLRACE_DATA'] ?? join(ROOT, '.millrace')) : running)
}

try {
  await command.parseAsync()
  process.exit(0)
} catch (cause) {
  process.stderr.write(`\nbench: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exit(1)
}
