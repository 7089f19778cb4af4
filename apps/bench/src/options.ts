import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'

/** What every kind of run is told. */
export interface BenchOptions {
  readonly modes?: string
  readonly events: number
  readonly runs?: number
  readonly seconds: number
  readonly scale: number
  readonly seed: string
  readonly corpus?: string
  readonly pool?: number
  readonly out: string
}

export const ROOT = join(import.meta.dirname, '../../..')

/** A number within bounds, as commander wants it. */
export const within =
  (low: number, high: number, isWhole = false) =>
  (text: string): number => {
    const value = Number(text)
    if (value >= low && value <= high && (!isWhole || Number.isInteger(value))) return value
    throw new InvalidArgumentError(
      `must be ${isWhole ? 'a whole number' : 'a number'} from ${low} to ${high}`,
    )
  }

export function pids(text: string): readonly number[] {
  const list = text.split(',').map(Number)
  if (list.every((pid) => Number.isInteger(pid) && pid > 0)) return list
  throw new InvalidArgumentError('must be process ids, separated by commas')
}

/** Adds the options that all commands share. */
export const withCommonOptions = (command: Command): Command =>
  command
    .option('--modes <names>', 'only these, by the beginnings of their names: publish, req, reqw-ids, …')
    .option(
      '--events <count>',
      'events in the relay before anything is measured',
      within(100, 20_000_000, true),
      100_000,
    )
    .option('--runs <count>', 'runs of each mode; medians are shown', within(1, 1_000, true))
    .option('--seconds <seconds>', 'of each run that is measured by time', within(0.1, 600), 3)
    .option(
      '--scale <factor>',
      'on all that is measured by count, such as 0.1 for a quick look',
      within(0.001, 100),
      1,
    )
    .option('--seed <text>', 'seed of the corpus', 'millrace')
    .option(
      '--corpus <file>',
      'signed events as JSON lines in order of created_at, instead of a generated corpus',
    )
    .addOption(
      new Option('--pool <events>', 'size of the generated pool of events to be published').argParser(
        within(1, 20_000_000, true),
      ),
    )
    .option('--out <folder>', 'where the reports go', join(ROOT, 'bench-results'))
