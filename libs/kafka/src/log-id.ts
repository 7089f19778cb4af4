import { decodeSetting, encodeSetting, settingKey } from '@millrace/codec'
import { err, type Fault, FaultError, fatal, ok, type Result } from '@millrace/kernel'
import { TOPICS } from '@millrace/topics'
import type { Log, LogRecord } from './port.ts'

const LOG_ID = { scope: 'log', key: 'log-id' } as const

export interface FoundLogId {
  readonly logId: string | null
  /** The last record holds another id than the first: two first runs raced, and compaction would let the last one win. */
  readonly contested: boolean
}

/**
 * The UUID of this log (DESIGN 2.9), from relay.settings. Faults: log-id-missing (fatal) when `ctl topics apply` never
 * ran on it, kafka-unavailable.
 */
export async function readLogId(log: Log): Promise<Result<string, Fault>> {
  try {
    const { logId } = await findLogId(log)
    return logId === null ? err(missing) : ok(logId)
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    return err(error.fault.code === 'topic-mismatch' ? missing : error.fault)
  }
}

const missing = fatal('log-id-missing', 'the log has no id yet: run `npx ctl topics apply`')

/** The first id rules. Rejects with FaultError: topic-mismatch without relay.settings, kafka-unavailable. */
export async function findLogId(log: Log): Promise<FoundLogId> {
  const ids: string[] = []
  await log.readToEnd(TOPICS.settings, ({ records }) => {
    for (const record of records) ids.push(...logIdsOf(record))
  })
  return { logId: ids[0] ?? null, contested: ids.at(-1) !== ids[0] }
}

function logIdsOf({ key, value }: LogRecord): readonly string[] {
  if (value === null || key?.toString() !== settingKey(LOG_ID)) return []
  const setting = decodeSetting(value)
  if (!setting.ok)
    throw new FaultError(fatal('record-undecodable', 'the log id is not readable', setting.fault))
  return [JSON.parse(setting.value.value) as string]
}

/**
 * Writes the id and answers the one that rules. Should another first run have been quicker, its id is written again, so
 * that it is also the last and compaction keeps it.
 */
export async function writeLogId(log: Log, logId: string): Promise<Result<string, Fault>> {
  const producer = await log.producer()
  try {
    const placed = await producer.append({
      topic: TOPICS.settings,
      partition: 0,
      key: settingKey(LOG_ID),
      value: encodeSetting({
        ...LOG_ID,
        value: JSON.stringify(logId),
        actor: 'ctl topics apply',
        recordedAtMs: Date.now(),
      }),
    })
    if (!placed.ok) return placed
  } finally {
    await producer.close()
  }
  const found = await findLogId(log)
  return found.contested && found.logId !== null ? writeLogId(log, found.logId) : readLogId(log)
}
