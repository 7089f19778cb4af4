import { type CorpusOptions, generateCorpus } from '@millrace/corpus'
import { eventJson } from '@millrace/nostr'
import type { Command } from 'commander'
import { type ByteSink, createFile, toStream } from '../files/byte-sink.ts'
import type { Session } from '../session.ts'
import { share, unixSeconds, wholeNumber } from '../terminal/arguments.ts'
import { remark } from '../terminal/console.ts'
import { startProgress } from '../terminal/progress.ts'
import { formatCount, formatSeconds } from '../terminal/units.ts'

interface Options {
  readonly count: number
  readonly authors?: number
  readonly seed: string
  readonly from?: number
  readonly to?: number
  readonly deletions: number
  readonly out?: string
}

export function addGenerateCommand(program: Command, session: Session): void {
  program
    .command('generate')
    .description(
      'write a realistic synthetic corpus, one signed event per line; the same options give the same bytes',
    )
    .option('--count <events>', 'how many events', wholeNumber(1), 10_000)
    .option('--authors <n>', 'how many authors (default: one per 40 events)', wholeNumber(1, 1_000_000))
    .option('--seed <text>', 'another seed is another corpus', '1')
    .option('--from <time>', 'first created_at: Unix seconds or ISO date (default 2025-01-01)', unixSeconds)
    .option('--to <time>', 'end of created_at (default 2026-01-01)', unixSeconds)
    .option('--deletions <share>', 'share of deletion requests, 0 to 1', share, 0)
    .option('--out <file>', 'where to, .gz and .zst compress (default: stdout)')
    .action((options: Options) => generate(session, options))
}

async function generate(session: Session, options: Options): Promise<void> {
  const { console } = session
  const sink = options.out === undefined ? toStream(console.out) : createFile(options.out)
  const corpus: CorpusOptions = {
    seed: options.seed,
    count: options.count,
    deletionShare: options.deletions,
    ...(options.authors !== undefined && { authorCount: options.authors }),
    ...(options.from !== undefined && { fromS: options.from }),
    ...(options.to !== undefined && { toS: options.to }),
  }
  const startedMs = performance.now()
  const progress = startProgress({ noun: 'events', total: options.count, stream: console.err })
  try {
    await writeCorpus(corpus, sink, (count) => progress.update(count, count))
    await sink.close()
  } catch (cause) {
    await sink.abort()
    throw cause
  } finally {
    progress.stop()
  }
  const seconds = (performance.now() - startedMs) / 1000
  remark(
    console,
    `${formatCount(options.count)} events in ${formatSeconds(seconds)}${options.out ? `: ${options.out}` : ''}`,
  )
}

async function writeCorpus(
  corpus: CorpusOptions,
  sink: ByteSink,
  onProgress: (count: number) => void,
): Promise<void> {
  let written = 0
  for await (const events of generateCorpus(corpus)) {
    await sink.write(`${events.map(eventJson).join('\n')}\n`)
    written += events.length
    onProgress(written)
  }
}
