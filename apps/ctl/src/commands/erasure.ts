import { isProvenAbsent, type StoreReport, type VerificationReport } from '@millrace/erasure'
import { systemClock, unwrap } from '@millrace/kernel'
import { isHex64 } from '@millrace/nostr'
import type { Command } from 'commander'
import type { CtlConfig } from '../config.ts'
import { readLedger } from '../erasure/ledger.ts'
import { logDirsOf, placesOf } from '../erasure/places.ts'
import { storeRegistry } from '../erasure/registry.ts'
import { renderLedger, renderVerification } from '../erasure/render.ts'
import { type Sought, soughtOf } from '../erasure/subjects.ts'
import type { Session } from '../session.ts'
import { withClickHouse, withLog } from '../stack/connections.ts'
import { remark, writeJson } from '../terminal/console.ts'
import { CommandFailure, usageFailure } from '../terminal/exit.ts'

interface StatusOptions {
  readonly json?: boolean
}

interface VerifyOptions extends StatusOptions {
  readonly needle?: readonly string[]
}

/** What became of deletions and requests to vanish. */
export function addErasureCommands(program: Command, session: Session): void {
  const erasure = program.command('erasure').description('what became of deletions and requests to vanish')
  erasure
    .command('status')
    .description('the erasure ledger: every stage of a request with its time')
    .argument('<id|pubkey>', 'of the request, of the erased event, or of the author; 64 hex characters')
    .option('--json', 'print JSON')
    .action((name: string, options: StatusOptions) => showStatus(session, hex64(name), options))
  erasure
    .command('verify')
    .description(
      'look through every store, byte by byte where that can be done, for what is left of it; exit code 1 when something is, or when a store cannot be looked through',
    )
    .argument('<id|pubkey>', 'of the request, of the erased event, or of the vanished author')
    .option('--needle <text...>', 'text that must not be found either, such as a part of the content')
    .option('--json', 'print JSON')
    .action((name: string, options: VerifyOptions) => verify(session, hex64(name), options))
}

function hex64(name: string): string {
  if (!isHex64(name))
    throw usageFailure(`"${name}" is no event id and no pubkey: 64 lowercase hex characters`)
  return name
}

async function showStatus(session: Session, name: string, { json }: StatusOptions): Promise<void> {
  const { erasure } = await session.config()
  const report = await readLedger(erasure.deletionUrls, name)
  if (json === true) writeJson(session.console, report)
  else session.console.out.write(renderLedger(report))
  if (report.requests.length === 0 && report.tombstones.length === 0)
    throw new CommandFailure(`the ledger knows nothing of ${name}`)
}

async function verify(session: Session, name: string, options: VerifyOptions): Promise<void> {
  const config = await session.config()
  const sought = await withLog(config, (log) => soughtOf(log, name, systemClock.nowS()))
  const report = await lookThrough(session, config, sought, options.needle ?? [])
  const isAbsent = isProvenAbsent(report)
  if (options.json === true) writeJson(session.console, { ...report, because: sought.because, isAbsent })
  else session.console.out.write(renderVerification(report, sought.because))
  if (!isAbsent) throw new CommandFailure('not proven absent')
}

function lookThrough(
  session: Session,
  config: CtlConfig,
  { targets }: Sought,
  needles: readonly string[],
): Promise<VerificationReport> {
  const { dataDir } = config.local
  const logDirs = logDirsOf(dataDir, config.erasure.kafkaLogDirs)
  return withClickHouse(config, 'maintenance', async (ch) => {
    const registry = storeRegistry(dataDir, logDirs, ch)
    const places = await placesOf(dataDir, logDirs, ch)
    const reports: VerificationReport[] = []
    for (const target of targets)
      reports.push(
        unwrap(
          await registry.verify({ target, needles }, places, (store) =>
            remark(session.console, `looking through ${store}`),
          ),
        ),
      )
    return merged(reports)
  })
}

/** One report of several targets: the places are the same, the traces add up. */
function merged(reports: readonly VerificationReport[]): VerificationReport {
  const stores = new Map<string, StoreReport>()
  for (const report of reports)
    for (const store of report.stores) {
      const traces = new Map(
        [...(stores.get(store.store)?.traces ?? []), ...store.traces].map((trace) => [
          `${trace.place} ${trace.what}`,
          trace,
        ]),
      )
      stores.set(store.store, { ...store, traces: [...traces.values()] })
    }
  return { stores: [...stores.values()], unclaimed: reports[0]?.unclaimed ?? [] }
}
