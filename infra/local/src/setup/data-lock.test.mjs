import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockOwner, takeLock } from './data-lock.mjs'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'))
  file = join(folder, 'run', 'lock.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a lock is held until it is released', () => {
  const lock = takeLock(file, { what: 'a stack' })
  expect(lockOwner(file)).toMatchObject({ pid: process.pid })
  expect(() => takeLock(file, { what: 'a stack' })).toThrow(
    `a stack is already running here as pid ${process.pid}`,
  )
  lock.release()
  expect(existsSync(file)).toBe(false)
  takeLock(file, { what: 'a stack' }).release()
})

test('the lock of a dead process is taken over, and said so', () => {
  const dead = spawnSync(process.execPath, ['-e', 'console.log(process.pid)'], { encoding: 'utf8' })
  takeLock(file, { what: 'a stack' }).release()
  writeFileSync(file, JSON.stringify({ pid: Number(dead.stdout), startedAt: '1' }))
  /** @type {(number | null)[]} */
  const takeovers = []
  const lock = takeLock(file, { what: 'a stack', onTakeover: (pid) => takeovers.push(pid) })
  expect(takeovers).toEqual([Number(dead.stdout)])
  expect(JSON.parse(readFileSync(file, 'utf8')).pid).toBe(process.pid)
  lock.release()
})

test.runIf(process.platform === 'linux')('a pid that now belongs to another program holds nothing', () => {
  takeLock(file, { what: 'a stack' }).release()
  writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: '1' }))
  expect(lockOwner(file)).toBeNull()
  takeLock(file, { what: 'a stack' }).release()
})

test('a damaged lock is nobody’s', () => {
  takeLock(file, { what: 'a stack' }).release()
  writeFileSync(file, '{"pid":')
  /** @type {(number | null)[]} */
  const takeovers = []
  takeLock(file, { what: 'a stack', onTakeover: (pid) => takeovers.push(pid) }).release()
  expect(takeovers).toEqual([null])
})
