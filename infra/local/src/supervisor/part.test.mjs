import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { launch } from '../process/launched.mjs'
import { whenReady } from '../process/server.mjs'
import { until } from '../process/until.mjs'
import { Part } from './part.mjs'

const DEADLINE = { deadlineMs: 20_000 }

/**
 * A part whose process is a shell script; ready as soon as it said so.
 * @param {string} script
 */
function scriptPart(script) {
  /** @type {string[]} */
  const notices = []
  /** @type {Error[]} */
  const fatal = []
  const part = new Part(
    {
      name: 'it',
      address: null,
      opsUrl: null,
      lastError: () => 'it cannot go on',
      async start({ signal, onPid }) {
        let ready = false
        const child = launch({
          command: 'sh',
          args: ['-c', script],
          onLog: (line) => {
            ready ||= line === 'ready'
          },
        })
        onPid(child.pid)
        await whenReady(child, { name: 'it', isReady: () => ready, signal })
        return {
          pid: child.pid,
          exited: child.exited,
          kill: child.kill,
          stop: () => child.stop({ by: 'SIGTERM', timeoutMs: 5000 }),
        }
      },
    },
    { notice: (text) => notices.push(text), fatal: (error) => fatal.push(error) },
  )
  return { part, notices, fatal }
}

const RUNS = 'echo ready; exec sleep 300'

test('a killed process is started again, as another process', async () => {
  const { part, notices, fatal } = scriptPart(RUNS)
  await part.start()
  const { pid } = part
  process.kill(pid ?? 0, 'SIGKILL')
  await until(() => part.state === 'ready' && part.pid !== pid, { what: 'the restart', ...DEADLINE })
  expect(part.status()).toMatchObject({ restarts: 1, lastExit: 'signal SIGKILL' })
  expect(notices).toEqual([expect.stringContaining('signal SIGKILL'), 'it is back'])
  expect(fatal).toEqual([])
  await part.stop()
  expect(part.status()).toMatchObject({ state: 'stopped', pid: null })
})

test('exit code 78 asks for an operator instead of a restart', async () => {
  const { part, fatal } = scriptPart('echo ready; sleep 0.2; exit 78')
  await part.start()
  await until(() => fatal.length > 0, { what: 'the fatal event', ...DEADLINE })
  expect(fatal[0]?.message).toBe('it: it cannot go on')
  expect(part.status()).toMatchObject({ state: 'failed', restarts: 0 })
})

test('exit code 78 while it comes up again does so too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-part-'))
  const { part, fatal } = scriptPart(`test -e ${folder}/ran && exit 78; touch ${folder}/ran; ${RUNS}`)
  await part.start()
  process.kill(part.pid ?? 0, 'SIGKILL')
  await until(() => fatal.length > 0, { what: 'the fatal event', ...DEADLINE })
  expect(fatal[0]?.message).toBe('it: it cannot go on')
  rmSync(folder, { recursive: true })
})

test('one that crashes again and again ends the stack', async () => {
  const { part, fatal } = scriptPart('echo ready; sleep 0.1; exit 1')
  await part.start()
  await until(() => fatal.length > 0, { what: 'the fatal event', ...DEADLINE })
  expect(fatal[0]?.message).toMatch(/6 crashes within 60 s, the last by exit code 1/)
  expect(part.state).toBe('failed')
})

test('stopping while it starts, or while it waits for its restart, leaves nothing', async () => {
  const starting = scriptPart('exec sleep 300').part
  const start = starting.start()
  await until(() => starting.pid !== null, { what: 'a process', ...DEADLINE })
  const pid = starting.pid ?? 0
  await Promise.all([expect(start).rejects.toThrow('stopped while it started'), starting.stop()])
  expect(() => process.kill(pid, 0)).toThrow()
  const { part } = scriptPart(RUNS)
  await part.start()
  process.kill(part.pid ?? 0, 'SIGKILL')
  await until(() => part.state === 'waiting', { what: 'waiting for the restart', ...DEADLINE })
  await part.stop()
  expect(part.status()).toMatchObject({ state: 'stopped', pid: null })
})

test('a stopped part can be started again', async () => {
  const { part } = scriptPart(RUNS)
  await part.start()
  await part.stop()
  await part.start()
  expect(part.status()).toMatchObject({ state: 'ready', restarts: 0 })
  await part.stop()
})
