import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { BenchReport } from './report/report.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const folder = mkdtempSync(join(tmpdir(), 'bench-int-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the command as it is typed; answers its report. */
async function run(name: string, ...args: readonly string[]): Promise<BenchReport> {
  const out = join(folder, name)
  const small = ['--events', '400', '--scale', '0.01', '--seconds', '0.3', '--seed', 'int test', '--out', out]
  const child = spawn(process.execPath, [MAIN, ...args, ...small], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  const [code] = (await once(child, 'close')) as [number]
  expect(code, printed).toBe(0)
  const [file = ''] = readdirSync(out).filter((entry) => entry.endsWith('.json'))
  return JSON.parse(readFileSync(join(out, file), 'utf8')) as BenchReport
}

test('a stack of its own is measured in all kinds of modes, sink and memory included', async () => {
  const modes = 'publish-16x32,req-ids-c16,req-since-c1,reqw-author,fanout-100,idle,mixed,sink'
  const report = await run('own', '--modes', modes)
  expect([...new Set(report.results.map(({ mode }) => mode))].sort()).toEqual(
    'fanout-100 idle-2000 mixed publish-16x32 req-ids-c16 req-since-c1 reqw-author sink'.split(' '),
  )
  for (const { what, unit, sides } of report.results) {
    const row = sides[0]?.median
    if (unit !== 'KiB/connection') expect(row?.rate, what).toBeGreaterThan(0)
    expect(row?.counts['lost'] ?? 0, what).toBe(0)
    expect(row?.counts['refused'] ?? 0, what).toBe(0)
  }
  const processes = report.sides[0]?.rssAtEnd.map(({ process }) => process)
  for (const part of ['kafka', 'clickhouse', 'storage', 'edge-1', 'query-api'])
    expect(processes).toContain(part)
}, 300_000)

test('pairs with storage and ClickHouse running and stopped', async () => {
  const report = await run('pairs', '--ab-pairs', '2', '--modes', 'publish-16x32')
  expect(report.sides).toHaveLength(2)
  const [result] = report.results
  expect(result?.sides.map(({ runs }) => runs.length)).toEqual([2, 2])
  expect(result?.ratios?.rate.low).toBeGreaterThan(0)
}, 300_000)

test('the ceiling of the load tool', async () => {
  const report = await run('ceiling', 'ceiling', '--modes', 'publish-64x32,req-authors-c16,fanout-100')
  expect(report.results.map(({ mode }) => mode).sort()).toEqual(
    'fanout-100 publish-64x32 req-authors-c16'.split(' '),
  )
  for (const { what, sides } of report.results)
    expect(sides[0]?.median.cpu?.toolCores, what).toBeGreaterThan(0)
}, 60_000)
