import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { withChildren } from '../target/processes.ts'
import { metricSum } from '../target/scrape.ts'
import { meterCpu } from './cpu-meter.ts'
import { cpuSeconds, memoryOf } from './process-stats.ts'

const HOLLOW_PROCESS = fileURLToPath(new URL('../ceiling/hollow-process.ts', import.meta.url))

function burn(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs) Math.sqrt(endMs)
}

test('a busy process shows in its CPU time, ours in the share of the tool', () => {
  const before = cpuSeconds(process.pid)
  const meter = meterCpu([process.pid])
  burn(400)
  const { toolCores, relayCores } = meter()
  expect(cpuSeconds(process.pid) - before).toBeGreaterThan(0.1)
  expect(toolCores).toBeGreaterThan(0.25)
  expect(relayCores).toBeGreaterThan(0.25)
  expect(meterCpu([])().relayCores).toBeNull()
})

test('resident memory is what Node says it is, and most of it belongs to no file', () => {
  const { rssKib, anonymousKib } = memoryOf(process.pid)
  const ratio = (rssKib * 1_024) / process.memoryUsage().rss
  expect(ratio).toBeGreaterThan(0.8)
  expect(ratio).toBeLessThan(1.25)
  expect(anonymousKib).toBeGreaterThan(0)
  expect(anonymousKib).toBeLessThan(rssKib)
})

test('what a process started belongs to it', async () => {
  const child = fork(HOLLOW_PROCESS)
  try {
    await once(child, 'message')
    const pids = withChildren([{ name: 'me', pid: process.pid }]).map(({ pid }) => pid)
    expect(pids).toContain(process.pid)
    expect(pids).toContain(child.pid)
    expect(new Set(pids).size).toBe(pids.length)
  } finally {
    child.kill()
    await until(() => child.exitCode !== null || child.signalCode !== null, { what: 'the child to end' })
  }
})

test('a metric is summed over its labels, and only it', () => {
  const page = '# HELP a_total x\na_total{kind="1"} 3\na_total{kind="7"} 4\na_total_more 100\nb 2\n'
  expect(metricSum(page, 'a_total')).toBe(7)
  expect(metricSum(page, 'b')).toBe(2)
  expect(metricSum(page, 'none')).toBe(0)
})
