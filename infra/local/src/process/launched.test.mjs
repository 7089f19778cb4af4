import { expect, test } from 'vitest'
import { describeExit, launch } from './launched.mjs'
import { whenReady } from './server.mjs'
import { until } from './until.mjs'

const isAlive = (/** @type {number} */ pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('every line of output arrives, the last one without a newline too', async () => {
  /** @type {string[]} */
  const lines = []
  const child = launch({
    command: 'sh',
    args: ['-c', 'echo one; echo two >&2; printf three; exit 3'],
    onLog: (l) => lines.push(l),
  })
  const exit = await child.exited
  expect(exit.code).toBe(3)
  expect(describeExit(exit)).toBe('exit code 3')
  expect(lines.sort()).toEqual(['one', 'three', 'two'])
})

test('what it started ends with it', async () => {
  let grandchild = 0
  const child = launch({
    command: 'sh',
    args: ['-c', 'sleep 300 & echo $!; wait'],
    onLog: (line) => {
      grandchild = Number(line)
    },
  })
  await until(() => grandchild > 0, { what: 'the pid of the grandchild', deadlineMs: 5000 })
  const exit = await child.kill()
  expect(describeExit(exit)).toBe('signal SIGKILL')
  await until(() => !isAlive(grandchild), { what: 'the grandchild gone', deadlineMs: 5000 })
})

test('one that ignores the signal is killed at the deadline', async () => {
  let deaf = false
  const child = launch({
    command: 'sh',
    args: ['-c', 'trap "" TERM; echo deaf; while :; do sleep 0.1; done'],
    onLog: () => {
      deaf = true
    },
  })
  await until(() => deaf, { what: 'the trap set', deadlineMs: 10_000 })
  expect((await child.stop({ by: 'SIGTERM', timeoutMs: 200 })).signal).toBe('SIGKILL')
})

test('a program that does not exist is an exit, not a crash', async () => {
  const child = launch({ command: '/does/not/exist', args: [] })
  expect(await child.exited).toMatchObject({ code: 127 })
  expect(child.isRunning()).toBe(false)
})

test('a server that ends while it starts is reported with its last lines and exit code', async () => {
  const child = launch({ command: 'sh', args: ['-c', 'echo cannot work; exit 78'] })
  const start = whenReady(child, { name: 'it', isReady: () => false })
  await expect(start).rejects.toThrow('cannot work')
  await expect(start).rejects.toMatchObject({ name: 'StartFailure', exitCode: 78 })
})

test('a server that never answers is killed at its deadline, or when its start is given up', async () => {
  const late = launch({ command: 'sleep', args: ['300'] })
  await expect(whenReady(late, { name: 'it', isReady: () => false, deadlineMs: 50 })).rejects.toThrow(
    'within 50 ms',
  )
  const abort = new AbortController()
  const unwanted = launch({ command: 'sleep', args: ['300'] })
  const start = whenReady(unwanted, { name: 'it', isReady: () => false, signal: abort.signal })
  abort.abort()
  await expect(start).rejects.toThrow('stopped while it started')
  expect([late.isRunning(), unwanted.isRunning()]).toEqual([false, false])
})
