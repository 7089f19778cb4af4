import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NostrEvent, Tombstone } from '@millrace/nostr'
import { arbitraryTombstone, type SignedEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { currentGeneration, generationsIn } from './generations.ts'
import { contentsOf } from './testing/contents.ts'
import { random, World } from './testing/world.ts'

const KILLS = Number(process.env['VIEW_KILLS'] ?? 4)
const SEED = Number(process.env['VIEW_KILL_SEED'] ?? Math.floor(Math.random() * 1e9))
const EVENTS = 1_500
const CHILD = fileURLToPath(new URL('./testing/apply-child.ts', import.meta.url))

/** Runs the child until it is done, or kills it some milliseconds after it has begun; whether it was killed. */
function apply(
  folder: string,
  file: string,
  killAfterMs: number | null,
  compactEvery: number,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, folder, file, `${compactEvery}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.on('data', (said: Buffer) => {
      if (killAfterMs !== null && String(said).includes('open'))
        setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    })
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(true)
      else if (code === 0) resolve(false)
      else reject(new Error(`the child ended with ${code}`))
    })
  })
}

function writeHistory(file: string, seed: number, folder: string): void {
  const { log } = new World({ seed, folder, events: EVENTS })
  const aims = log.map(({ event }) => event as SignedEvent)
  const tombstones = fc
    .sample(arbitraryTombstone(aims), { numRuns: 40, seed })
    .filter(({ target }) => target.type !== 'pubkey') as Tombstone[]
  const lines = [...log.map((logged) => ({ logged })), ...tombstones.map((tombstone) => ({ tombstone }))]
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'))
  const distinct = new Set(log.map(({ event }: { event: NostrEvent }) => event.id))
  expect(distinct.size).toBeLessThan(log.length)
}

test.each([
  ['applies', 0],
  ['compacts all the time', 3],
])(
  `a view killed anywhere while it %s goes on to what one built at a stroke holds (seed ${SEED})`,
  async (_, compactEvery) => {
    const root = mkdtempSync(join(tmpdir(), 'millrace-view-kill-'))
    const next = random(SEED)
    let kills = 0
    for (let round = 0; kills < KILLS; round++) {
      const [killed, whole, file] = ['killed', 'whole', 'history'].map((name) =>
        join(root, `${round}-${name}`),
      ) as [string, string, string]
      writeHistory(file, SEED + round, join(root, 'unused'))
      await apply(whole, file, null, 0)
      // Later and later, so that every part of the history is met.
      for (let attempt = 0; await apply(killed, file, next() * (20 + 25 * attempt), compactEvery); attempt++)
        kills++
      expect(await contentsOf(killed)).toEqual(await contentsOf(whole))
      expect(generationsIn(killed)).toEqual([currentGeneration(killed)])
    }
    rmSync(root, { recursive: true })
  },
  1_800_000,
)
