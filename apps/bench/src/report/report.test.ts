import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Row } from '../modes/mode.ts'
import { Results } from '../run/results.ts'
import { describeMachine } from './machine.ts'
import { type BenchReport, type ReportSide, renderReport, writeReport } from './report.ts'

const row = (what: string, rate: number, unit: string): Row => ({
  what,
  rate,
  unit,
  timesMs: unit === 'KiB/connection' ? null : { count: 9, p50: 1.234, p95: 12.3, p99: 45.6, max: 50 },
  counts: { lost: 0, eventsPerRequest: 20, checked: 99 },
  cpu: { toolCores: 0.42, relayCores: 1.11 },
})

const side = (name: string): ReportSide => ({
  name,
  url: 'ws://127.0.0.1:1',
  durability: 'fsync before OK',
  privacy: 'hidden',
  rssAfterLoad: [{ process: 'kafka', rssMib: 300 }],
  rssAtEnd: [
    { process: 'kafka', rssMib: 380.4 },
    { process: 'edge-1', rssMib: 20 },
  ],
})

function report(sides: number): BenchReport {
  const results = new Results(sides)
  for (let run = 0; run < 3; run++)
    for (let at = 0; at < sides; at++)
      results.add('publish-16x1', at, [
        row('publish 16×1', 3_456.7 * (at + 1), 'events/s'),
        row('idle', 30.26, 'KiB/connection'),
      ])
  return {
    startedAt: '2026-01-02T03:04:05.678Z',
    command: '--url x',
    machine: { ...describeMachine(), commit: 'abc1234+' },
    corpus: { path: 'x.jsonl', baseEvents: 100_000, loadedEvents: 100_000 },
    runs: 3,
    sizes: { seconds: 3, scale: 1 },
    sides: Array.from({ length: sides }, (_, at) => side(`relay ${at}`)),
    results: results.list(),
  }
}

test('one relay: rates, times, CPU, memory, and on what and with what they were measured', () => {
  const text = renderReport(report(1))
  for (const part of [
    'commit abc1234+',
    'npm run bench -- --url x',
    '100,000 events',
    'A: relay 0, ws://127.0.0.1:1, durability: fsync before OK, private kinds: hidden',
    'publish 16×1',
    '3,457',
    '1.23',
    '12.3',
    '0.42',
    '1.11',
    '0 lost',
    '20 events/REQ',
    '30.3',
    '400 MiB (kafka 380, edge-1 20)',
  ])
    expect(text).toContain(part)
  expect(text).not.toContain('checked')
})

test('two relays: ratios with their interval', () => {
  const text = renderReport(report(2))
  for (const part of ['relay 0', 'relay 1', 'B/A (95 %)', '6,913', '2.00 (2.00–2.00)', '0.42 0.42'])
    expect(text).toContain(part)
})

test('a report is written as JSON and as text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const written = report(2)
  const path = writeReport(written, folder)
  expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toEqual(JSON.parse(JSON.stringify(written)))
  expect(readFileSync(`${path}.txt`, 'utf8')).toBe(renderReport(written))
  rmSync(folder, { recursive: true })
})
