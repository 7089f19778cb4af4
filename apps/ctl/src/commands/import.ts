import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { noteRejectsFile } from '@millrace/erasure'
import { type Log, readLogId } from '@millrace/kafka'
import { LIMITS, systemClock, unwrap } from '@millrace/kernel'
import { readTombstones } from '@millrace/pipeline'
import { TOPICS } from '@millrace/topics'
import { createVerifier } from '@millrace/verifier'
import type { Command } from 'commander'
import type { CtlConfig } from '../config.ts'
import { type ByteSource, DamagedFile, openFile, openStream } from '../files/byte-source.ts'
import { type Checkpoint, CheckpointFile, fileHash } from '../import/checkpoint.ts'
import { Importer, type ImportPorts } from '../import/importer.ts'
import { assertInputFile } from '../import/input-file.ts'
import { FILE_START, type FilePosition, lineBatches } from '../import/lines.ts'
import { RejectsFile } from '../import/rejects-file.ts'
import { type ImportReport, isAllRefused, NO_COUNTS, rejectedTotal, renderReport } from '../import/report.ts'
import { waitUntilStored } from '../import/stored.ts'
import type { Session } from '../session.ts'
import { withAdmin, withLog } from '../stack/connections.ts'
import { remark, writeJson } from '../terminal/console.ts'
import { CommandFailure } from '../terminal/exit.ts'
import { startProgress } from '../terminal/progress.ts'
import { formatCount } from '../terminal/units.ts'

interface Options {
  readonly verify: boolean
  readonly allowProtected?: boolean
  readonly restart?: boolean
  readonly rejects?: string
  readonly wait?: boolean
  readonly json?: boolean
}

const LINE_LIMITS = {
  lineBytesMax: LIMITS.frameBytesMax,
  batchLinesMax: 256,
  batchBytesMax: 2 * 1024 * 1024,
}
/** An import would rather wait for a broker that restarts than stop. */
const DELIVERY_TIMEOUT_MS = 60_000

export function addImportCommand(program: Command, session: Session): void {
  program
    .command('import')
    .description(
      'append events to the log: JSON lines, plain, .gz or .zst; an interrupted import goes on where it was',
    )
    .argument('<file>', 'the file, or - for stdin')
    .option('--no-verify', 'trust the signatures (ids are always recomputed)')
    .option('--allow-protected', 'take events with the tag ["-"] too (NIP-70)')
    .option('--restart', 'begin at the first line, whatever an earlier run has done')
    .option(
      '--rejects <file>',
      'where refused lines go (default: <file>.rejects.jsonl in the current folder)',
    )
    .option('--wait', 'return when storage has written everything to ClickHouse')
    .option('--json', 'print the summary as JSON')
    .action((file: string, options: Options) => importEvents(session, file, options))
}

async function importEvents(session: Session, file: string, options: Options): Promise<void> {
  await assertInputFile(file)
  const config = await session.config()
  const report = await withLog(config, (log) => importInto(log, session, config, file, options))
  if (report === null) return
  if (options.json === true) writeJson(session.console, report)
  else session.console.out.write(renderReport(report))
  if (report.end === 'interrupted')
    throw new CommandFailure(file === '-' ? 'interrupted' : 'interrupted: the same command goes on from here')
  if (isAllRefused(report))
    throw new CommandFailure(
      `nothing imported: all ${formatCount(rejectedTotal(report))} lines were refused, see ${report.rejectsPath}`,
    )
  if (options.wait === true) await waitUntilStored(config, session.console, session.interruptible())
}

/** Null when an earlier run has brought the whole file in. */
async function importInto(
  log: Log,
  session: Session,
  config: CtlConfig,
  file: string,
  options: Options,
): Promise<ImportReport | null> {
  const logId = unwrap(await readLogId(log))
  const partitionCount = await eventPartitions(log)
  const checkpointFile = file === '-' ? null : new CheckpointFile(config.local.dataDir, await fileHash(file))
  if (options.restart === true) await checkpointFile?.remove()
  const checkpoint = (await checkpointFile?.read(logId)) ?? null
  if (checkpoint?.isDone === true && isAllRefused(checkpoint.counts))
    throw new CommandFailure(
      `an earlier run refused every line of ${file}, see ${checkpoint.rejectsPath}; --restart reads it again`,
    )
  if (checkpoint?.isDone === true) {
    remark(
      session.console,
      `${file} is in the log already (${formatCount(checkpoint.counts.appended)} events); --restart imports it again`,
    )
    return null
  }
  // What was deleted does not come back by an import.
  const tombstones = await readTombstones(log)
  const verifier = options.verify ? await createVerifier() : null
  try {
    return await runImport(log, session, file, {
      partitionCount,
      logId,
      checkpoint: checkpointFile,
      resumed: checkpoint,
      rejects: await openRejects(file, options, checkpoint, config.local.dataDir),
      rules: {
        eventFutureMaxS: config.admission.eventFutureMaxS,
        allowProtected: options.allowProtected === true,
        tombstones,
        verifier,
        clock: systemClock,
      },
    })
  } finally {
    await verifier?.close()
  }
}

async function runImport(
  log: Log,
  session: Session,
  file: string,
  parts: Omit<ImportPorts, 'producer' | 'signal' | 'onProgress'> & { readonly resumed: Checkpoint | null },
): Promise<ImportReport> {
  const position = parts.resumed?.position ?? FILE_START
  if (position.lines > 0) remark(session.console, `going on after line ${formatCount(position.lines)}`)
  const source = await openSource(session, file, position)
  const producer = await log.producer({ lingerMs: 2, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS })
  const progress = startProgress({
    noun: 'events',
    total: source.bytesTotal,
    stream: session.console.err,
    startAt: source.bytesRead(),
  })
  try {
    const importer = new Importer(
      {
        ...parts,
        producer,
        signal: session.interruptible(),
        onProgress: (appended) => progress.update(source.bytesRead(), appended),
      },
      position,
      parts.resumed?.counts ?? NO_COUNTS,
    )
    return await importer.run(lineBatches(source.chunks, position, LINE_LIMITS))
  } catch (cause) {
    if (!(cause instanceof DamagedFile)) throw cause
    throw new CommandFailure(`${cause.message}; what came before that is imported`)
  } finally {
    progress.stop()
    await parts.rejects.close()
    await producer.close()
  }
}

const openSource = (session: Session, file: string, position: FilePosition): Promise<ByteSource> =>
  file === '-' ? Promise.resolve(openStream(session.console.in as Readable)) : openFile(file, position.offset)

async function openRejects(
  file: string,
  options: Options,
  checkpoint: Checkpoint | null,
  dataDir: string,
): Promise<RejectsFile> {
  const onMade = (made: string) => noteRejectsFile(dataDir, made)
  const path =
    options.rejects ?? checkpoint?.rejectsPath ?? `${file === '-' ? 'stdin' : basename(file)}.rejects.jsonl`
  if (checkpoint === null || checkpoint.rejectsPath !== path) return new RejectsFile(path, 0, onMade)
  // Somebody may have taken the earlier refusals away: there is nothing to add to then.
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  )
  return new RejectsFile(path, Math.min(size, checkpoint.rejectsBytes), onMade)
}

async function eventPartitions(log: Log): Promise<number> {
  const topic = await withAdmin(log, (admin) => admin.describeTopic(TOPICS.events))
  if (topic === null) throw new CommandFailure(`${TOPICS.events} does not exist: run ctl topics apply first`)
  return topic.partitionCount
}
