import type { Log } from '@millrace/kafka'
import { firstUnread, partitionKey, type ReadPosition } from './first-unread.ts'
import type { LogStatus } from './log-status.ts'
import type { ReaderStatus, WatermarkStatus } from './report.ts'

export interface Reader {
  readonly name: string
  readonly topic: string
  readonly by: ReaderStatus['by']
  readonly positions: readonly ReadPosition[]
}

/** How far each reader is behind, in records and in seconds. */
export async function readReaders(
  log: Log,
  status: LogStatus,
  watermarks: readonly WatermarkStatus[],
  edges: readonly Reader[],
  nowMs: number,
): Promise<readonly ReaderStatus[]> {
  const readers = [...sinksOf(watermarks, status), ...groupsOf(status, watermarks), ...edges]
  const behind = readers
    .flatMap(({ positions }) => positions)
    .filter((position) => lagOf(position, status) > 0)
  const oldest = await oldestUnread(log, behind)
  return readers.map(({ positions, ...reader }) => {
    const unread = positions.filter((position) => lagOf(position, status) > 0)
    const times = unread.map((position) => oldest.get(`${partitionKey(position)}:${position.offset}`))
    return {
      ...reader,
      lagRecords: unread.reduce((sum, position) => sum + lagOf(position, status), 0),
      lagSeconds: lagSeconds(times, nowMs),
    }
  })
}

function lagSeconds(times: readonly (number | undefined)[], nowMs: number): number | null {
  if (times.length === 0) return 0
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? null : Math.max(0, (nowMs - Math.min(...known)) / 1000)
}

const lagOf = (position: ReadPosition, { ends }: LogStatus): number => {
  const range = ends.get(partitionKey(position))
  return range === undefined ? 0 : Math.max(0, range.end - Math.max(position.offset, range.earliest))
}

/** Readers may stand at different offsets of one partition: a consumer reads one of them at a time. */
async function oldestUnread(log: Log, positions: readonly ReadPosition[]): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  let rest = [
    ...new Map(
      positions.map((position) => [`${partitionKey(position)}:${position.offset}`, position]),
    ).values(),
  ]
  while (rest.length > 0) {
    const round = [...new Map(rest.map((position) => [partitionKey(position), position])).values()]
    const found = await firstUnread(log, round)
    for (const position of round) {
      const time = found.get(partitionKey(position))
      if (time !== undefined) times.set(`${partitionKey(position)}:${position.offset}`, time)
    }
    rest = rest.filter((position) => !round.includes(position))
  }
  return times
}

/** A partition without a watermark is one of which nothing has been written: unread from its first record on. */
function sinksOf(watermarks: readonly WatermarkStatus[], { ends }: LogStatus): Reader[] {
  const readers = new Map<string, Reader & { readonly positions: ReadPosition[] }>()
  for (const { sink: name, topic, partition, nextOffset: offset } of watermarks) {
    const key = `${name} ${topic}`
    const reader = readers.get(key) ?? { name, topic, by: 'watermark' as const, positions: [] }
    reader.positions.push({ topic, partition, offset })
    readers.set(key, reader)
  }
  for (const { topic, positions } of readers.values()) {
    const written = new Set(positions.map(partitionKey))
    for (const key of ends.keys())
      if (key.startsWith(`${topic}:`) && !written.has(key))
        positions.push({ topic, partition: Number(key.slice(topic.length + 1)), offset: 0 })
  }
  return [...readers.values()]
}

/** Groups whose sink publishes watermarks are told by those. */
function groupsOf({ commits }: LogStatus, watermarks: readonly WatermarkStatus[]): Reader[] {
  const sinks = new Set(watermarks.map(({ sink }) => sink))
  return commits
    .filter(({ group }) => !sinks.has(group))
    .map(({ group, positions }) => ({
      name: group,
      topic: positions[0]?.topic ?? '',
      by: 'commit' as const,
      positions,
    }))
}
