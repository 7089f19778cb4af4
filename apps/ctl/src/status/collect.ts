import type { Log } from '@millrace/kafka'
import { FaultError } from '@millrace/kernel'
import { TOPICS } from '@millrace/topics'
import type { CtlConfig } from '../config.ts'
import { STORAGE_SINK } from '../import/stored.ts'
import { withAdmin, withClickHouse, withLog } from '../stack/connections.ts'
import { ControlSocket, controlSocketPath, readParts, type StackPart } from '../stack/control-socket.ts'
import { readEdgeReaders } from './edge-readers.ts'
import { type LogStatus, readLogStatus } from './log-status.ts'
import { readReaders } from './readers.ts'
import type { ReaderStatus, StatusReport, WatermarkStatus } from './report.ts'
import { readStoreStatus } from './store-status.ts'

/** Asks every part what it knows. What is away becomes a problem of the report, not an exception. */
export async function collectStatus(config: CtlConfig, lagSecondsMax: number): Promise<StatusReport> {
  const problems: string[] = []
  const parts = await collectParts(config.local.dataDir, problems)
  const { status, readers, watermarks } = await withLog(config, (log) =>
    collectData(log, config, parts ?? [], problems),
  )
  checkLag(status, readers ?? [], lagSecondsMax, problems)
  checkStorage(status, problems)
  return {
    healthy: problems.length === 0,
    problems,
    parts,
    logId: status?.logId || null,
    topics: status?.topics ?? null,
    groups: status?.groups ?? null,
    readers,
    watermarks,
    deadLetters: status?.deadLetters ?? null,
  }
}

interface Data {
  readonly status: LogStatus | null
  readonly readers: readonly ReaderStatus[] | null
  readonly watermarks: readonly WatermarkStatus[] | null
}

async function collectData(
  log: Log,
  config: CtlConfig,
  parts: readonly StackPart[],
  problems: string[],
): Promise<Data> {
  const status = await orProblem('Kafka', problems, () =>
    withAdmin(log, (admin) => readLogStatus(log, admin, problems)),
  )
  const watermarks = await orProblem('ClickHouse', problems, () =>
    withClickHouse(config, 'maintenance', (ch) => readStoreStatus(ch, status, problems)),
  )
  if (status === null) return { status, readers: null, watermarks }
  const edges = await readEdgeReaders(parts, status.ends, problems)
  const readers = await orProblem('Kafka', problems, () =>
    readReaders(log, status, watermarks ?? [], edges, Date.now()),
  )
  return { status, readers, watermarks }
}

async function orProblem<T>(who: string, problems: string[], ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (cause) {
    const why =
      cause instanceof FaultError
        ? cause.fault.message
        : cause instanceof Error
          ? cause.message
          : String(cause)
    problems.push(`${who}: ${why}`)
    return null
  }
}

/** Null when no local stack runs: parts on other machines are their own operators' business. */
async function collectParts(dataDir: string, problems: string[]): Promise<readonly StackPart[] | null> {
  const path = controlSocketPath(dataDir)
  if (path === null) return null
  const parts = await orProblem('the supervisor', problems, () => readParts(new ControlSocket(path)))
  for (const { name, state } of parts ?? []) if (state !== 'ready') problems.push(`${name} is ${state}`)
  return parts
}

function checkStorage(status: LogStatus | null, problems: string[]): void {
  const events = status?.topics.find(({ name }) => name === TOPICS.events)
  if (status === null || events === undefined) return
  const storage = status.groups.find(({ id }) => id === STORAGE_SINK)
  if ((storage?.members ?? 0) === 0)
    problems.push('no storage process is in the group storage: nothing is written to ClickHouse')
}

/** A reader that is not running is behind by nature: an edge that was removed is no problem, storage always is. */
function checkLag(
  status: LogStatus | null,
  readers: readonly ReaderStatus[],
  lagSecondsMax: number,
  problems: string[],
): void {
  const running = new Set(status?.groups.filter(({ members }) => members > 0).map(({ id }) => id))
  for (const { name, topic, by, lagSeconds } of readers) {
    if (name !== STORAGE_SINK && by !== 'metrics' && !running.has(name)) continue
    if (lagSeconds === null) problems.push(`${name} is an unknown time behind on ${topic}`)
    else if (lagSeconds > lagSecondsMax)
      problems.push(`${name} is ${Math.round(lagSeconds)} s behind on ${topic}`)
  }
}
