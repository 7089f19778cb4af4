import type { FaultCode } from '@millrace/kernel'
import { formatCount, formatSeconds } from '../terminal/units.ts'

/** What became of the lines, over all runs of one import. */
export interface ImportCounts {
  /** Events that Kafka acknowledged. */
  readonly appended: number
  /** Lines with an event that was in the file before. */
  readonly duplicates: number
  readonly rejected: Readonly<Partial<Record<FaultCode, number>>>
}

export const NO_COUNTS: ImportCounts = { appended: 0, duplicates: 0, rejected: {} }

export type ImportEnd = 'done' | 'interrupted'

export interface ImportReport extends ImportCounts {
  readonly end: ImportEnd
  /** Lines read, empty ones included. */
  readonly lines: number
  /** The rejects file; null when nothing was refused. */
  readonly rejectsPath: string | null
  /** Of this run. */
  readonly seconds: number
  readonly eventsPerSecond: number
}

export const rejectedTotal = ({ rejected }: Pick<ImportCounts, 'rejected'>): number =>
  Object.values(rejected).reduce((sum, count) => sum + count, 0)

/** Whether there was something to import and nothing of it was good. */
export const isAllRefused = (counts: ImportCounts): boolean =>
  counts.appended === 0 && counts.duplicates === 0 && rejectedTotal(counts) > 0

/** The summary for people. */
export function renderReport(report: ImportReport): string {
  const lines = [
    `${report.end === 'done' ? 'imported' : 'interrupted after'} ${formatCount(report.lines)} lines in ${formatSeconds(report.seconds)}`,
    `  ${formatCount(report.appended)} events appended (${formatCount(report.eventsPerSecond)}/s)`,
    `  ${formatCount(report.duplicates)} duplicates within the file skipped`,
    `  ${formatCount(rejectedTotal(report))} lines refused${report.rejectsPath === null ? '' : `, see ${report.rejectsPath}`}`,
    ...Object.entries(report.rejected)
      .sort(([, a], [, b]) => b - a)
      .map(([code, count]) => `    ${formatCount(count)} ${code}`),
  ]
  return `${lines.join('\n')}\n`
}
