import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, startClickHouse } from '@millrace/infra-local'
import { addressOf } from '@millrace/nostr'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createEventReader } from '../joined-reader.ts'
import { emptyStore, mergeStore, openStore, storeEvents } from '../testdata/store-fixture.ts'
import { below } from './testing/naive-history.ts'
import { expectAdmissionFacts, expectAnswer, readerOf } from './testing/questions.ts'
import { newTally } from './testing/tally.ts'
import { ViewedWorld } from './testing/viewed-world.ts'

const SEED = Number(process.env['VIEWED_READER_SEED'] ?? Math.floor(Math.random() * 1e9))
const WORLDS = Number(process.env['VIEWED_READER_WORLDS'] ?? 1)

// A server of its own: other suites empty the same tables.
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-worlds-'))
let server: Awaited<ReturnType<typeof startClickHouse>>
let store: Awaited<ReturnType<typeof openStore>>

beforeAll(async () => {
  const [httpPort = 0, tcpPort = 0] = await freePorts(2)
  server = await startClickHouse({ dataDir: join(dataDir, 'clickhouse'), httpPort, tcpPort })
  store = await openStore(server.url)
})

afterAll(async () => {
  await store?.reads.close()
  await store?.writes.close()
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Brings the tables to what storage has in the world, as far as storage keeps it. */
async function storeWorld(world: ViewedWorld): Promise<void> {
  const { history, random } = world
  const { tombstones } = history
  const kept = world
    .storedOr(new Set())
    .filter(
      ({ event }) => addressOf(event) === null || !tombstones.covers(event) || tombstones.isBelowFloor(event),
    )
  await emptyStore(store.writes)
  const half = below(random, kept.length + 1)
  await storeEvents(store.writes, kept.slice(0, half))
  await storeEvents(store.writes, kept.slice(half))
  if (random() < 0.2) await mergeStore(store.writes)
}

test(`random histories over real tables answer as one naive relay does (seed ${SEED})`, async () => {
  const tally = newTally()
  let expected = 0
  // One world may be thin: then others follow.
  const isThin = () => expected < 50 || tally.letGoUnstored < 20
  for (let seed = SEED; seed < SEED + WORLDS || (isThin() && seed < SEED + WORLDS + 5); seed++) {
    const world = new ViewedWorld(seed, join(dataDir, `world-${seed}`), tally)
    // The tables stand still while they are asked, so the world does.
    vi.spyOn(world, 'pause').mockResolvedValue()
    await world.open()
    try {
      while (!world.history.isDone) {
        await world.step()
        await storeWorld(world)
        const { overlay, history, random } = world
        const limits = { pageRowsMax: [1, 2, 3, 500][below(random, 4)] ?? 500 }
        const stored = createEventReader({
          clickhouse: store.reads,
          overlay,
          tombstones: history.tombstones,
          limits,
        })
        for (let question = 0; question < 2; question++)
          expected += (await expectAnswer(world, readerOf(world, stored))).expected
        await expectAdmissionFacts(world, readerOf(world, stored))
      }
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause })
    } finally {
      await world.close()
    }
  }
  expect(isThin()).toBe(false)
}, 36_000_000)
