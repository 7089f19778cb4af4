import type { ClickHouse } from '@millrace/clickhouse'
import { systemClock, unwrap } from '@millrace/kernel'
import { eventJson } from '@millrace/nostr'
import type { Command } from 'commander'
import {
  countStatement,
  type ExportRow,
  exportStatement,
  SORT_BYTES_IN_MEMORY_MAX,
  type Statement,
} from '../export/export-sql.ts'
import { type FilterOptions, filterOf, withFilterOptions } from '../export/filter-options.ts'
import { type ByteSink, createFile, toStream } from '../files/byte-sink.ts'
import type { Session } from '../session.ts'
import { withClickHouse } from '../stack/connections.ts'
import { remark } from '../terminal/console.ts'
import { startProgress } from '../terminal/progress.ts'
import { formatCount, formatSeconds } from '../terminal/units.ts'

interface Options extends FilterOptions {
  readonly all?: boolean
  readonly private?: boolean
  readonly out?: string
}

/** Longest an export may take, milliseconds. */
const TIMEOUT_MS = 24 * 3_600_000

export function addExportCommand(program: Command, session: Session): void {
  const command = program
    .command('export')
    .description('write stored events as JSON lines, oldest first, ready to be imported again')
  withFilterOptions(command)
    .option('--all', 'superseded versions of replaceable events too')
    .option('--private', 'kinds that not everybody may read too (direct messages, gift wraps)')
    .option('--out <file>', 'where to, .gz and .zst compress (default: stdout)')
    .action((options: Options) => exportEvents(session, options))
}

async function exportEvents(session: Session, options: Options): Promise<void> {
  const filter = filterOf(options)
  const scope = {
    allVersions: options.all === true,
    includePrivate: options.private === true,
    nowS: systemClock.nowS(),
  }
  const config = await session.config()
  const sink = options.out === undefined ? toStream(session.console.out) : createFile(options.out)
  const startedMs = performance.now()
  const count = await withClickHouse(config, 'maintenance', async (ch) => {
    const total = await countRows(ch, countStatement(filter, scope))
    const progress = startProgress({ noun: 'events', total, stream: session.console.err })
    try {
      return await writeRows(ch, exportStatement(filter, scope), sink, (done) => progress.update(done, done))
    } catch (cause) {
      await sink.abort()
      throw cause
    } finally {
      progress.stop()
    }
  })
  await sink.close()
  const seconds = (performance.now() - startedMs) / 1000
  remark(
    session.console,
    `${formatCount(count)} events in ${formatSeconds(seconds)}${options.out ? `: ${options.out}` : ''}`,
  )
}

const settings = {
  max_bytes_before_external_sort: String(SORT_BYTES_IN_MEMORY_MAX),
  max_bytes_ratio_before_external_sort: 0,
}

async function countRows(ch: ClickHouse, { sql, params }: Statement): Promise<number> {
  const rows = unwrap(
    await ch.query<{ count: number }>(sql, { params, timeoutMs: TIMEOUT_MS, name: 'export_count' }),
  )
  return rows[0]?.count ?? 0
}

async function writeRows(
  ch: ClickHouse,
  { sql, params }: Statement,
  sink: ByteSink,
  onProgress: (done: number) => void,
): Promise<number> {
  let written = 0
  // A sink that failed is not ClickHouse's fault: it is told apart from what the query answers.
  let sinkFailure: unknown
  const done = await ch.queryEach<ExportRow>(
    sql,
    async (rows) => {
      try {
        await sink.write(`${rows.map(jsonOf).join('\n')}\n`)
      } catch (cause) {
        sinkFailure = cause
        throw cause
      }
      written += rows.length
      onProgress(written)
    },
    { params, settings, timeoutMs: TIMEOUT_MS, name: 'export' },
  )
  if (sinkFailure !== undefined) throw sinkFailure
  unwrap(done)
  return written
}

const jsonOf = ([id, pubkey, created_at, kind, tags, content, sig]: ExportRow): string =>
  eventJson({ id, pubkey, created_at, kind, tags, content, sig })
