import type { StackPart } from '../stack/control-socket.ts'
import { type Column, renderTable } from '../terminal/table.ts'
import { formatCount, formatSeconds } from '../terminal/units.ts'
import type { GroupStatus, ReaderStatus, StatusReport, TopicStatus, WatermarkStatus } from './report.ts'

const PARTS: readonly Column<StackPart>[] = [
  { title: 'part', of: (part) => part.name },
  { title: 'state', of: (part) => part.state },
  { title: 'address', of: (part) => part.address ?? '' },
  { title: 'pid', of: (part) => part.pid ?? '', right: true },
  { title: 'restarts', of: (part) => part.restarts, right: true },
]

const TOPICS: readonly Column<TopicStatus>[] = [
  { title: 'topic', of: (topic) => topic.name },
  { title: 'partitions', of: (topic) => topic.partitions, right: true },
  { title: 'replicas', of: (topic) => topic.replicationFactor, right: true },
  { title: 'offsets', of: (topic) => formatCount(topic.offsets), right: true },
]

const GROUPS: readonly Column<GroupStatus>[] = [
  { title: 'group', of: (group) => group.id },
  { title: 'state', of: (group) => group.state },
  { title: 'members', of: (group) => group.members, right: true },
]

const READERS: readonly Column<ReaderStatus>[] = [
  { title: 'reader', of: (reader) => reader.name },
  { title: 'topic', of: (reader) => reader.topic },
  { title: 'by', of: (reader) => reader.by },
  { title: 'lag', of: (reader) => formatCount(reader.lagRecords), right: true },
  {
    title: 'lag time',
    of: (reader) => (reader.lagSeconds === null ? '?' : formatSeconds(reader.lagSeconds)),
    right: true,
  },
]

const WATERMARKS: readonly Column<WatermarkStatus>[] = [
  { title: 'watermark', of: (mark) => `${mark.sink} ${mark.topic}/${mark.partition}` },
  { title: 'next offset', of: (mark) => formatCount(mark.nextOffset), right: true },
  { title: 'end', of: (mark) => (mark.end === null ? '?' : formatCount(mark.end)), right: true },
  { title: 'applied at', of: (mark) => mark.appliedAt },
]

/** The report for people: one table per kind of thing, problems last, where the eye ends up. */
export function renderStatus(report: StatusReport): string {
  const blocks = [
    table(PARTS, report.parts),
    table(TOPICS, report.topics),
    table(GROUPS, report.groups),
    table(READERS, report.readers),
    table(WATERMARKS, report.watermarks),
    deadLetters(report),
    report.healthy ? 'everything is well\n' : report.problems.map((problem) => `! ${problem}\n`).join(''),
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

const table = <T>(columns: readonly Column<T>[], rows: readonly T[] | null): string =>
  rows === null || rows.length === 0 ? '' : renderTable(columns, rows)

function deadLetters({ deadLetters: letters, logId }: StatusReport): string {
  if (letters === null) return ''
  const codes = Object.entries(letters.byCode).map(([code, count]) => `${formatCount(count)} ${code}`)
  return [
    `log id ${logId ?? '(none)'}`,
    `dead letters ${formatCount(letters.total)}${codes.length === 0 ? '' : ` (${codes.join(', ')})`}`,
    '',
  ].join('\n')
}
