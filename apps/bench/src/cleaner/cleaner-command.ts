import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { within } from '../options.ts'
import { Steps } from '../steps.ts'
import { benchCleaner } from './cleaner-bench.ts'
import { renderCleanerReport } from './cleaner-report.ts'

interface CleanerCommandOptions {
  readonly events: number
  readonly partitions: number
  readonly nulled: number
  readonly rounds: number
  readonly data: string
  readonly out: string
  readonly property: Readonly<Record<string, string>>
}

/** About 620 bytes of log an event, twice while it is cleaned. */
export const cleanerCommand = (): Command =>
  new Command('cleaner')
    .description(
      "fills a log of a broker's own, nulls some of it, and measures what Kafka's cleaner reads, writes and takes",
    )
    .option('--events <count>', 'in the log', within(1, 10_000_000, true), 1_000_000)
    .option('--partitions <count>', '', within(1, 100, true), 8)
    .option('--nulled <percent>', 'of the events, in each round', within(0.01, 25, false), 1)
    .option(
      '--rounds <count>',
      'of nulling and cleaning; the first finds a log never cleaned',
      within(1, 4, true),
      2,
    )
    .option('--data <folder>', 'where the broker keeps its log meanwhile', join(tmpdir(), 'millrace-cleaner'))
    .option('--out <folder>', 'for the report', 'bench-results')
    .option('--property <name=value>', "of the broker, over the launcher's; repeatable", property, {})
    .action(async ({ events, partitions, nulled, rounds, data, out, property }: CleanerCommandOptions) => {
      const report = await benchCleaner(
        { events, partitions, nulledPercent: nulled, rounds, folder: data, properties: property },
        new Steps(process.stderr),
      )
      const text = renderCleanerReport(report)
      process.stdout.write(`\n${text}`)
      mkdirSync(out, { recursive: true })
      const path = join(out, `cleaner-${new Date().toISOString().replaceAll(':', '-')}`)
      writeFileSync(`${path}.txt`, text)
      writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`)
      process.stdout.write(`written to ${path}.{json,txt}\n`)
    })

function property(text: string, known: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=')
  return { ...known, [text.slice(0, at)]: text.slice(at + 1) }
}
