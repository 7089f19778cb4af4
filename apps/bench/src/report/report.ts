import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FanoutResult } from '../measure/fanout.ts'
import type { MemoryResult } from '../measure/memory.ts'
import type { PublishResult } from '../measure/publish.ts'
import type { RequestResult } from '../measure/requests.ts'
import type { SinkResult } from '../measure/sink.ts'
import type { Machine } from './machine.ts'

export interface BenchReport {
  readonly startedAt: string
  readonly target: string
  readonly machine: Machine
  readonly publish: readonly PublishResult[]
  readonly requests: readonly RequestResult[]
  readonly fanout: readonly FanoutResult[]
  readonly sink: SinkResult | null
  readonly memory: readonly MemoryResult[]
}

/** One line of the table: what was done, how much of it a second, and its times. */
type Row = readonly [what: string, rate: string, p50: string, p95: string, p99: string]

const rate = (value: number, unit: string): string => `${Math.round(value).toLocaleString('en-US')} ${unit}/s`
const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1))

function rowsOf(report: BenchReport): Row[] {
  const times = ({ p50, p95, p99 }: { p50: number; p95: number; p99: number }) =>
    [ms(p50), ms(p95), ms(p99)] as const
  return [
    ...report.publish.map(
      (r): Row => [
        `publish ${r.connections}×${r.window}: EVENT → OK`,
        rate(r.eventsPerSecond, 'events'),
        ...times(r.ackMs),
      ],
    ),
    ...report.requests.flatMap((r): Row[] => [
      [
        `REQ → first frame, ${r.connections}×1: ${r.shape}`,
        rate(r.requestsPerSecond, 'REQs'),
        ...times(r.firstFrameMs),
      ],
      [`REQ → EOSE (${r.eventsPerRequest.toFixed(0)} events a REQ)`, '', ...times(r.eoseMs)],
    ]),
    ...report.fanout.map(
      (r): Row => [
        `fanout to ${r.subscribers.toLocaleString('en-US')}, ${r.eventsPerSecond === null ? 'flat out' : `${r.eventsPerSecond} events/s`}`,
        rate(r.deliveriesPerSecond, 'deliveries'),
        ...times(r.deliveryMs),
      ],
    ),
    ...(report.sink === null
      ? []
      : [['sink: log → ClickHouse', rate(report.sink.rowsPerSecond, 'rows'), '', '', ''] as const]),
    ...report.memory.map((r): Row => [`RSS ${r.process}`, `${Math.round(r.rssMib)} MiB`, '', '', '']),
  ]
}

/** The one table, and what it was measured on. */
export function renderReport(report: BenchReport): string {
  const rows: Row[] = [['', 'rate', 'p50 ms', 'p95 ms', 'p99 ms'], ...rowsOf(report)]
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  const { cpu, cores, memoryGib, os, node, loadBefore, commit } = report.machine
  return [
    `${report.startedAt}  commit ${commit}  ${report.target}`,
    `${cores} × ${cpu}, ${memoryGib} GiB, ${os}, Node ${node}, load before ${loadBefore.toFixed(2)}`,
    '',
    ...lines,
    '',
  ].join('\n')
}

/** Writes the report as JSON and as text; answers the path without its ending. */
export function writeReport(report: BenchReport, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const name = `${report.startedAt.slice(0, 19).replaceAll(':', '')}-${report.machine.commit.replace('+', '-dirty')}`
  const path = join(folder, name)
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(`${path}.txt`, renderReport(report))
  return path
}
