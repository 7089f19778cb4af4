import { unwrap } from '@millrace/kernel'
import type { Log, OutgoingRecord, Placement, TopicSpec } from '../port.ts'

/** A log under test, and what the suite needs beyond the port to bring it into interesting states. */
export interface LogSubject {
  readonly log: Log
  /** Another process's view of the same records. */
  secondLog(): Log
  /** Configs of a topic whose cleaner runs as soon as `compact` asks for it. */
  readonly cleanableConfigs: Readonly<Record<string, string>>
  /**
   * Has the topic compacted, nulls included; resolves when a reader from the start finds at most `recordsMax` records
   * (besides the ticks that it may have to append).
   */
  compact(topic: string, recordsMax: number): Promise<void>
  /** Deletes the records below `offset`, as retention does; the topic's cleanup.policy has to allow it. */
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>
  close(): Promise<void>
}

let topics = 0

/** A topic of its own for each case. */
export async function freshTopic(
  { log }: LogSubject,
  partitionCount = 1,
  configs: TopicSpec['configs'] = {},
): Promise<string> {
  const name = `contract.${process.pid}.${Date.now()}.${topics++}`
  const admin = await log.admin()
  await admin.createTopic({
    name,
    partitionCount,
    replicationFactor: 1,
    configs: { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime', ...configs },
  })
  await admin.close()
  return name
}

export const outgoing = (
  topic: string,
  partition: number,
  key: string,
  value: string | null = key,
): OutgoingRecord => ({
  topic,
  partition,
  key,
  value: value === null ? null : Buffer.from(value),
})

/** Appends all at once, in order, and expects every one to be acknowledged. */
export async function appendAll(log: Log, records: readonly OutgoingRecord[]): Promise<readonly Placement[]> {
  const producer = await log.producer()
  const results = await Promise.all(records.map((record) => producer.append(record)))
  await producer.close()
  return results.map((result) => unwrap(result))
}

export const numbered = (
  topic: string,
  partition: number,
  count: number,
  from = 0,
): readonly OutgoingRecord[] =>
  Array.from({ length: count }, (_, index) =>
    outgoing(topic, partition, `k${from + index}`, `v${from + index}`),
  )
