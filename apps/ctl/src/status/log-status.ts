import { decodeDeadLetter } from '@millrace/codec'
import { type Log, type LogAdmin, readLogId } from '@millrace/kafka'
import { TOPICS, type TopicName } from '@millrace/topics'
import type { ReadPosition } from './first-unread.ts'
import type { DeadLetterStatus, GroupStatus, TopicStatus } from './report.ts'

export interface PartitionEnds {
  readonly earliest: number
  readonly end: number
}

/** A group's committed offsets in one topic. */
export interface Commits {
  readonly group: string
  readonly positions: readonly ReadPosition[]
}

export interface LogStatus {
  readonly logId: string
  readonly topics: readonly TopicStatus[]
  /** `topic:partition` → its offsets. */
  readonly ends: ReadonlyMap<string, PartitionEnds>
  readonly groups: readonly GroupStatus[]
  readonly commits: readonly Commits[]
  readonly deadLetters: DeadLetterStatus
}

/** Everything status asks Kafka; a topic that is not there is a problem and left out. */
export async function readLogStatus(log: Log, admin: LogAdmin, problems: string[]): Promise<LogStatus> {
  const topics: TopicStatus[] = []
  const ends = new Map<string, PartitionEnds>()
  for (const name of Object.values(TOPICS)) {
    const topic = await readTopic(admin, name, ends)
    if (topic === null) problems.push(`topic ${name} does not exist: run ctl topics apply`)
    else topics.push(topic)
  }
  const logId = await readLogId(log)
  if (!logId.ok) problems.push(logId.fault.message)
  const described = await admin.describeGroups()
  const groups = described
    .filter(({ groupId }) => !groupId.startsWith('ctl.'))
    .map(({ groupId, state, members }) => ({ id: groupId, state, members: members.length }))
  const has = (name: TopicName) => topics.some((topic) => topic.name === name)
  return {
    logId: logId.ok ? logId.value : '',
    topics,
    ends,
    groups,
    commits: has(TOPICS.events) ? await readCommits(admin, groups) : [],
    deadLetters: has(TOPICS.deadLetters) ? await readDeadLetters(log) : { total: 0, byCode: {} },
  }
}

async function readTopic(
  admin: LogAdmin,
  name: string,
  ends: Map<string, PartitionEnds>,
): Promise<TopicStatus | null> {
  const topic = await admin.describeTopic(name)
  if (topic === null) return null
  let offsets = 0
  for (const { partition, earliest, end } of await admin.offsets(name)) {
    ends.set(`${name}:${partition}`, { earliest, end })
    offsets += end - earliest
  }
  return { name, partitions: topic.partitionCount, replicationFactor: topic.replicationFactor, offsets }
}

async function readCommits(admin: LogAdmin, groups: readonly GroupStatus[]): Promise<Commits[]> {
  const commits: Commits[] = []
  for (const { id } of groups) {
    const offsets = await admin.groupOffsets(id, TOPICS.events)
    if (offsets.every(({ offset }) => offset === null)) continue
    // A partition that the group has never finished a batch of is unread from its first record on.
    const positions = offsets.map(({ partition, offset }) => ({
      topic: TOPICS.events,
      partition,
      offset: offset ?? 0,
    }))
    commits.push({ group: id, positions })
  }
  return commits
}

/** Letters in force by the code of their fault; bounded by the topic's 30 days and the consumers' breakers. */
async function readDeadLetters(log: Log): Promise<DeadLetterStatus> {
  const codes = new Map<string, string>()
  await log.readToEnd(TOPICS.deadLetters, ({ records }) => {
    for (const { key, value } of records) {
      const name = key?.toString('latin1') ?? ''
      if (value === null) codes.delete(name)
      else {
        const letter = decodeDeadLetter(value)
        codes.set(name, letter.ok ? letter.value.code : letter.fault.code)
      }
    }
  })
  const byCode: Record<string, number> = {}
  for (const code of codes.values()) byCode[code] = (byCode[code] ?? 0) + 1
  return { total: codes.size, byCode }
}
