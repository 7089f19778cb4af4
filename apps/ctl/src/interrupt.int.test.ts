import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventJson, type NostrEvent } from '@millrace/nostr'
import { testKey, unsigned, until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Checkpoint } from './import/checkpoint.ts'
import { run } from './testing/run.ts'
import { testEnvironment, testLog, wipe } from './testing/servers.ts'

const COUNT = 60_000
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

let folder: string
let env: Record<string, string>
let file: string
let expected: Set<string>

beforeAll(async () => {
  await wipe()
  folder = await mkdtemp(join(tmpdir(), 'ctl-interrupt-'))
  env = testEnvironment(folder)
  file = join(folder, 'many.jsonl')
  const { pubkey } = testKey('interrupt')
  const events: NostrEvent[] = Array.from({ length: COUNT }, (_, i) =>
    unsigned({ kind: 1, content: `${i}`, created_at: 1_700_000_000 + i }, pubkey),
  )
  expected = new Set(events.map(({ id }) => id))
  await writeFile(file, `${events.map(eventJson).join('\n')}\n`)
  expect((await run(env, ['topics', 'apply'])).exitCode).toBe(0)
}, 120_000)

afterAll(async () => {
  await wipe()
  await rm(folder, { recursive: true })
})

const startImport = (): ChildProcess =>
  spawn(process.execPath, [MAIN, 'import', file, '--no-verify'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

const recordsInLog = async (): Promise<number> => {
  const log = testLog()
  const admin = await log.admin()
  const offsets = await admin.offsets(TOPICS.events)
  await log.close()
  return offsets.reduce((sum, { end }) => sum + end, 0)
}

async function checkpoint(): Promise<Checkpoint> {
  const [name] = await readdir(join(folder, 'import'))
  return JSON.parse(await readFile(join(folder, 'import', name ?? ''), 'utf8')) as Checkpoint
}

async function keysInLog(): Promise<string[]> {
  const log = testLog()
  const keys: string[] = []
  await log.readToEnd(
    TOPICS.events,
    ({ records }) => void keys.push(...records.map(({ key }) => String(key))),
  )
  await log.close()
  return keys
}

test('Ctrl-C finishes what is in flight; the next runs append exactly the rest, also after a kill', async () => {
  const interrupted = startImport()
  await until(async () => (await recordsInLog()) > 0, {
    what: 'the first records in the log',
    deadlineMs: 30_000,
  })
  interrupted.kill('SIGINT')
  // The terminal and the launcher both pass the signal on.
  interrupted.kill('SIGINT')
  expect(await once(interrupted, 'exit')).toEqual([1, null])
  const first = await checkpoint()
  expect(first.isDone).toBe(false)
  expect(first.counts.appended).toBe(await recordsInLog())
  expect(first.counts.appended).toBeLessThan(COUNT)

  const killed = startImport()
  await until(async () => (await recordsInLog()) > first.counts.appended, {
    what: 'more records',
    deadlineMs: 30_000,
  })
  killed.kill('SIGKILL')
  await once(killed, 'exit')

  const done = await run(env, ['import', file, '--no-verify', '--json'])
  expect(JSON.parse(done.out)).toMatchObject({ end: 'done', appended: COUNT, lines: COUNT })
  const keys = await keysInLog()
  expect(new Set(keys)).toEqual(expected)
}, 120_000)
