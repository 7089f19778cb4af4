import { randomUUID } from 'node:crypto'
import { decodeSetting, encodeSetting, settingKey } from '@millrace/codec'
import { err, type Fault, fatal, ok, type Result } from '@millrace/kernel'
import { TOPICS } from '@millrace/topics'
import type { Log, LogRecord } from './port.ts'

const LOG_ID = { scope: 'log', key: 'log-id' } as const

/**
 * The UUID of this log (DESIGN 2.9), from relay.settings. Faults: log-id-missing (fatal) when `ctl topics apply` never
 * ran on it.
 */
export async function readLogId(log: Log): Promise<Result<string, Fault>> {
  const logId = await findLogId(log)
  return logId === null
    ? err(fatal('log-id-missing', 'the log has no id yet: run `npx ctl topics apply`'))
    : ok(logId)
}

/** The first id ever written rules, should two first runs have raced. */
export async function findLogId(log: Log): Promise<string | null> {
  let logId: string | null = null
  await log.readToEnd(TOPICS.settings, ({ records }) => {
    for (const record of records) logId ??= logIdOf(record)
  })
  return logId
}

function logIdOf({ key, value }: LogRecord): string | null {
  if (value === null || key?.toString() !== settingKey(LOG_ID)) return null
  const setting = decodeSetting(value)
  return setting.ok ? (JSON.parse(setting.value.value) as string) : null
}

/** Gives a new log its id. */
export async function writeLogId(log: Log): Promise<Result<string, Fault>> {
  const setting = {
    ...LOG_ID,
    value: JSON.stringify(randomUUID()),
    actor: 'ctl topics apply',
    recordedAtMs: Date.now(),
  }
  const producer = await log.producer()
  try {
    const placed = await producer.append({
      topic: TOPICS.settings,
      partition: 0,
      key: settingKey(LOG_ID),
      value: encodeSetting(setting),
    })
    return placed.ok ? await readLogId(log) : placed
  } finally {
    await producer.close()
  }
}
