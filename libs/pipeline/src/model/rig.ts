import { decodeDeadLetter } from '@millrace/codec'
import { createMemoryLog, type LogRecord, type MemoryLog } from '@millrace/kafka'
import { type Clock, invalid, ok as okResult, type Result, systemClock } from '@millrace/kernel'
import { createMetrics, silentLog } from '@millrace/observability'
import { TOPICS } from '@millrace/topics'
import { dead, drop, type Outcome, ok } from '../outcome.ts'
import { onePartition } from '../output.ts'
import { Runner, type RunnerOptions } from '../runner.ts'
import { topology } from '../topology.ts'
import type { Entry, Ledger, LedgerAccess } from './ledger.ts'

export const SOURCE = 'source.v1'
export const LOG_ID = '3f1c8f6e-62e4-4c7d-9d3a-0a8f2b1c4d5e'

/** The topics a runner of the tests needs. */
export const memoryLog = (partitionCount: number, seed?: number): MemoryLog =>
  createMemoryLog({
    ...(seed !== undefined && { seed }),
    topics: [
      { name: SOURCE, partitionCount, replicationFactor: 1, configs: {} },
      { name: TOPICS.deadLetters, partitionCount: 1, replicationFactor: 1, configs: {} },
    ],
  })

/** What the tests' steps make of a value: its first word decides. */
export function readEntry(record: LogRecord): Outcome<Entry> {
  const text = record.value?.toString() ?? ''
  if (text.startsWith('poison')) return dead(invalid('record-undecodable', 'poison'))
  return ok({ key: record.key?.toString() ?? '', text })
}

export function dropUnwanted(entry: Entry): Outcome<Entry> {
  return entry.text.startsWith('unwanted') ? drop('unwanted') : ok(entry)
}

export type RigOptions = Partial<Pick<RunnerOptions<never>, 'batch' | 'breaker' | 'consumer'>> & {
  readonly clock?: Clock
  readonly readLogId?: () => Promise<Result<string>>
}

export const makeRunner = async (
  log: MemoryLog,
  access: LedgerAccess,
  options: RigOptions = {},
): Promise<Runner<Entry, never>> => {
  const flow = topology('test').from(SOURCE).step(readEntry).step(dropUnwanted).into(access)
  return new Runner(flow, {
    log,
    producer: await log.producer({ lingerMs: 0 }),
    store: access.store,
    outputs: { deadLetters: onePartition(TOPICS.deadLetters) },
    readLogId: async () => okResult(LOG_ID),
    batch: { rowsMax: 50, bytesMax: 1_000_000, waitMs: 2 },
    breaker: { deadInARowMax: 1_000, deadInWindowMax: 100_000, windowMs: 60_000 },
    backoff: { initialMs: 1, maxMs: 4 },
    clock: systemClock,
    logger: silentLog,
    metrics: createMetrics('test'),
    ...options,
  })
}

/** Offsets of the source that have a dead letter, as `partition:offset`. */
export const letters = (log: MemoryLog): Set<string> =>
  new Set(
    log.records(TOPICS.deadLetters).flatMap(({ value }) => {
      const letter = value && decodeDeadLetter(value)
      return letter?.ok ? [`${letter.value.partition}:${letter.value.offset}`] : []
    }),
  )

/** The rows that the log alone determines: what every run has to end with. */
export function expectedRows(log: MemoryLog): Map<string, string> {
  const rows = new Map<string, string>()
  for (const { key, value } of log.records(SOURCE)) {
    const text = value?.toString()
    if (text === undefined || /^(poison|unwanted)/.test(text) || key?.toString().startsWith('~tick:'))
      continue
    rows.set(key?.toString() ?? '', text)
  }
  return rows
}

export const rowsOf = (ledger: Ledger): Map<string, string> =>
  new Map([...ledger.rows].map(([key, { value }]) => [key, value]))

/** Whether every partition's watermark stands at its end. */
export async function isCaughtUp(log: MemoryLog, ledger: Ledger): Promise<boolean> {
  const admin = await log.admin()
  const offsets = await admin.offsets(SOURCE)
  await admin.close()
  return offsets.every(({ partition, end }) => (ledger.watermarks.get(partition)?.nextOffset ?? 0) === end)
}
