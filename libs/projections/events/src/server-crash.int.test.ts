import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { delayMs, unwrap } from '@millrace/kernel'
import { kindClass } from '@millrace/nostr'
import { type SignedEvent, testKey, unsigned } from '@millrace/testkit'
import { freePorts, startClickHouse } from '@millrace/testkit/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import { expectedOf, shownBy } from './testing/oracle.ts'
import { connect, migrateStore, recordsOf } from './testing/store.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const KILLS = 3
const BATCH_ROWS = 40
const EVENTS = 1_600

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-events-'))
let server: Awaited<ReturnType<typeof startClickHouse>>

const start = async () => {
  const [httpPort = 0, tcpPort = 0] = await freePorts(2)
  server = await startClickHouse({ dataDir, httpPort, tcpPort })
  return connect({ url: server.url })
}

beforeAll(async () => {
  console.log(`CRASH_SEED=${SEED}`)
})
afterAll(async () => {
  await server.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** The next number below `limit` of a small linear generator: the same seed, the same run. */
function* numbers(seed: number): Generator<number, never, number> {
  let state = seed
  let limit = 1
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    limit = yield Math.floor((state / 2 ** 31) * limit)
  }
}

function corpus(): SignedEvent[] {
  const random = numbers(SEED)
  random.next(1)
  const below = (limit: number) => random.next(limit).value
  const authors = Array.from({ length: 20 }, (_, index) => testKey(index).pubkey)
  return Array.from({ length: EVENTS }, (_, index) => {
    const kind = [0, 1, 3, 7, 10002, 30023][below(6)] ?? 1
    const tags = [['p', authors[below(20)] ?? ''], ...(kind === 30023 ? [['d', String(below(3))]] : [])]
    const created_at = 1_750_000_000 + below(400)
    return unsigned({ kind, created_at, tags, content: `event ${index}` }, authors[below(20)] ?? '')
  })
}

test('ClickHouse killed in the middle of batches holds each event once after redelivery', async () => {
  let ch = await start()
  await migrateStore(ch)
  const events = corpus()
  const records = recordsOf(events)
  const random = numbers(SEED + 1)
  random.next(1)
  let from = 0
  let batchesLost = 0
  for (let kill = 0; kill < KILLS; kill += 1) {
    const killed = delayMs(60 + random.next(300).value).then(() => server.kill())
    for (;;) {
      // A batch is applied again until it is acknowledged, as storage does from its watermark.
      const applied = await createEventsSink(ch).apply(records.slice(from, from + BATCH_ROWS))
      if (!applied.ok) break
      from = (from + BATCH_ROWS) % EVENTS
    }
    batchesLost += 1
    await killed
    await ch.close()
    ch = await start()
  }
  expect(batchesLost).toBe(KILLS)
  for (let at = 0; at < EVENTS; at += BATCH_ROWS)
    unwrap(await createEventsSink(ch).apply(records.slice(at, at + BATCH_ROWS)))
  expect(events.some(({ kind }) => kindClass(kind) === 'addressable')).toBe(true)
  expect(await shownBy(ch)).toEqual(expectedOf(events, []))
  await ch.close()
}, 180_000)
