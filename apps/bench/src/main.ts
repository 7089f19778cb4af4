import { join } from 'node:path'
import { Command, Option } from 'commander'
import { type BenchPlan, bench } from './bench.ts'
import { withHollowRelay } from './ceiling/hollow-target.ts'
import { cleanerCommand } from './cleaner/cleaner-command.ts'
import { type BenchOptions, pids, ROOT, withCommonOptions, within } from './options.ts'
import { printProfiles } from './profile/print-profiles.ts'
import { renderReport, writeReport } from './report/report.ts'
import { Steps } from './steps.ts'
import { type Labels, startOwn, type Target, useRelay, useRunning } from './target/target.ts'

interface SingleOptions extends BenchOptions {
  readonly url?: string
  readonly running?: string | true
  readonly pids?: readonly number[]
  readonly name?: string
  readonly durability?: string
  readonly abPairs?: number
}

interface CompareOptions extends BenchOptions {
  readonly nameA?: string
  readonly nameB?: string
  readonly durabilityA?: string
  readonly durabilityB?: string
  readonly pidsA?: readonly number[]
  readonly pidsB?: readonly number[]
}

const RUNS_COMPARED = 5

const program = new Command('bench')
  .description('measures a relay and prints one table; starts a stack of its own unless told otherwise')
  // Options after a command are the command's, those of the same name before it are not.
  .enablePositionalOptions()
withCommonOptions(program)
  .option('--url <url>', 'measure any relay by its address')
  .option('--running [folder]', 'measure the stack that runs in this data folder (default: MILLRACE_DATA)')
  .option('--pids <pids>', "the relay's processes, for memory and CPU (with --url)", pids)
  .option('--name <name>', 'what the report calls it')
  .option('--durability <words>', 'what its OK stands for, for the report')
  .option(
    '--ab-pairs <count>',
    'own stack: pairs with storage and ClickHouse running and stopped',
    within(1, 1_000, true),
  )
  .action((options: SingleOptions) =>
    run(options, async () => ({
      targets: [await targetOf(options)],
      runs: options.runs ?? 1,
      pairs: options.abPairs,
    })),
  )

withCommonOptions(program.command('compare <a> <b>'))
  .description(
    'measures two relays in turn and prints ratios; each is an address, or the data folder of a running stack',
  )
  .option('--name-a <name>', 'what the report calls it')
  .option('--name-b <name>')
  .option('--durability-a <words>', 'what its OK stands for')
  .option('--durability-b <words>')
  .option('--pids-a <pids>', 'its processes, for memory and CPU; those of a stack are known', pids)
  .option('--pids-b <pids>', '', pids)
  .action((a: string, b: string, options: CompareOptions) =>
    run(options, async () => ({
      targets: [
        await peerAt(a, { name: options.nameA, durability: options.durabilityA }, options.pidsA),
        await peerAt(b, { name: options.nameB, durability: options.durabilityB }, options.pidsB),
      ],
      runs: options.runs ?? RUNS_COMPARED,
    })),
  )

withCommonOptions(program.command('ceiling'))
  .description('measures the load tool itself, against a relay that answers without doing anything')
  .action((options: BenchOptions) =>
    run(options, async () => ({ targets: [await withHollowRelay()], runs: options.runs ?? 1 })),
  )

program
  .command('profile <folder>')
  .description('reads the .cpuprofile files of a folder: where each thread spent its time')
  .addOption(
    new Option('--top <count>', 'functions shown of each list').default(25).argParser(within(1, 1_000, true)),
  )
  .action((folder: string, { top }: { top: number }) => {
    process.stdout.write(printProfiles(folder, { root: ROOT, top }))
  })

program.addCommand(cleanerCommand())

async function run(options: BenchOptions, plan: () => Promise<Omit<BenchPlan, 'command'>>): Promise<void> {
  const steps = new Steps(process.stderr)
  const { targets, ...rest } = await steps.step('starting', plan)
  const stop = async () => {
    for (const target of targets) await target.stop()
  }
  // A stack of our own does not see the terminal's Ctrl-C.
  process.once('SIGINT', () => void stop().then(() => process.exit(130)))
  try {
    const command = process.argv.slice(2).join(' ')
    const report = await bench({ targets, ...rest, command }, options, steps)
    process.stdout.write(`\n${renderReport(report)}`)
    process.stdout.write(`written to ${writeReport(report, options.out)}.{json,txt}\n`)
  } finally {
    await steps.step('stopping', stop)
  }
}

function targetOf({ url, running, ...labels }: SingleOptions): Promise<Target> {
  if (url !== undefined) return Promise.resolve(useRelay(url, { ...labels, pids: labels.pids ?? [] }))
  if (running === undefined) return startOwn(labels)
  const folder = running === true ? (process.env['MILLRACE_DATA'] ?? join(ROOT, '.millrace')) : running
  return useRunning(folder, labels)
}

function peerAt(place: string, labels: Labels, known: readonly number[] = []): Promise<Target> {
  if (/^wss?:/.test(place)) return Promise.resolve(useRelay(place, { ...labels, pids: known }))
  return useRunning(place, labels)
}

try {
  await program.parseAsync()
  process.exit(0)
} catch (cause) {
  process.stderr.write(`\nbench: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exit(1)
}
