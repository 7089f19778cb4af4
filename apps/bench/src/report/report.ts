import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sizes } from '../modes/mode.ts'
import type { Result } from '../run/results.ts'
import type { ProcessRss } from '../run/run-modes.ts'
import { comparedTable } from './compared-table.ts'
import type { Machine } from './machine.ts'
import { singleTable } from './single-table.ts'

export interface ReportSide {
  readonly name: string
  readonly url: string
  /** What its OK stands for. */
  readonly durability: string
  /** What it does with private kinds: see `Privacy`. */
  readonly privacy: string
  /** Resident memory of its processes once the base was loaded, and at the end; empty when they are not known. */
  readonly rssAfterLoad: readonly ProcessRss[]
  readonly rssAtEnd: readonly ProcessRss[]
}

export interface BenchReport {
  readonly startedAt: string
  /** The command line after `npm run bench --`. */
  readonly command: string
  readonly machine: Machine
  readonly corpus: { readonly path: string; readonly baseEvents: number; readonly loadedEvents: number }
  readonly runs: number
  readonly sizes: Sizes
  /** One relay, or two that are compared. */
  readonly sides: readonly ReportSide[]
  readonly results: readonly Result[]
}

/** The one table, and what it was measured on. */
export function renderReport(report: BenchReport): string {
  const { machine, corpus, runs, sizes, sides, results } = report
  const { cpu, cores, memoryGib, os, node, loadBefore, commit } = machine
  return [
    `${report.startedAt}  commit ${commit}  npm run bench -- ${report.command}`,
    `${cores} × ${cpu}, ${memoryGib} GiB, ${os}, Node ${node}, load before ${loadBefore.toFixed(2)}`,
    `${corpus.loadedEvents.toLocaleString('en-US')} events at the start; medians of ${runs}, ${sizes.seconds} s a run, scale ${sizes.scale}`,
    ...sides.map(
      ({ name, url, durability, privacy }, at) =>
        `${letter(at)}: ${name}, ${url}, durability: ${durability}, private kinds: ${privacy}`,
    ),
    '',
    ...(sides.length === 1 ? singleTable(results) : comparedTable(results)),
    '',
    ...sides.flatMap(memoryLines),
    '',
  ].join('\n')
}

export const letter = (side: number): string => String.fromCharCode('A'.charCodeAt(0) + side)

const memoryLines = ({ name, rssAfterLoad, rssAtEnd }: ReportSide): string[] => {
  const line = (when: string, processes: readonly ProcessRss[]) => {
    const total = processes.reduce((sum, { rssMib }) => sum + rssMib, 0)
    const each = processes.map(({ process, rssMib }) => `${process} ${Math.round(rssMib)}`).join(', ')
    return `RSS ${name}, ${when}: ${Math.round(total)} MiB (${each})`
  }
  return rssAtEnd.length === 0 ? [] : [line('loaded', rssAfterLoad), line('at the end', rssAtEnd)]
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
