import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./testing/thread-heap.ts', import.meta.url))

test.each([
  ['of a process without', []],
  ['of a process with bounds of its own', ['--max-old-space-size=900', '--max-semi-space-size=8']],
])('a thread has the heap it is given, %s', (_, flags) => {
  const heaps = JSON.parse(execFileSync(process.execPath, [...flags, PROGRAM], { encoding: 'utf8' })) as {
    readonly thread: number
    readonly main: number
  }
  expect(heaps.thread).toBeLessThan(120)
  expect(heaps.main).toBeGreaterThan(800)
})
