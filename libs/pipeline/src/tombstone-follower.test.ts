import { encodeTombstone, tombstoneKey } from '@millrace/codec'
import { createMemoryLog, type MemoryLog } from '@millrace/kafka'
import { err, ok, type Result, transient } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'
import { createMetrics, silentLog } from '@millrace/observability'
import { until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { Ledger, LedgerAccess } from './model/ledger.ts'
import { LOG_ID } from './model/rig.ts'
import { onePartition } from './output.ts'
import { TombstoneFollower } from './tombstone-follower.ts'

const AUTHOR = 'a'.repeat(64)

const tombstoneOf = (at: number): Tombstone => ({
  author: AUTHOR,
  requestId: 'e'.repeat(64),
  requestCreatedAt: 100,
  target: { type: 'event', id: at.toString(16).padStart(64, '0') },
  floor: null,
  reason: 'deletion',
  recordedAtMs: 1_000,
})

const tombstoneLog = (): MemoryLog =>
  createMemoryLog({
    topics: [
      { name: TOPICS.tombstones, partitionCount: 2, replicationFactor: 1, configs: {} },
      { name: TOPICS.deadLetters, partitionCount: 1, replicationFactor: 1, configs: {} },
    ],
  })

async function append(log: MemoryLog, from: number, to: number): Promise<void> {
  const producer = await log.producer({ lingerMs: 0 })
  for (let at = from; at < to; at++) {
    const tombstone = tombstoneOf(at)
    await producer.append({
      topic: TOPICS.tombstones,
      partition: at % 2,
      key: tombstoneKey(tombstone),
      value: encodeTombstone(tombstone),
    })
  }
}

async function makeFollower(
  log: MemoryLog,
  ledger: Ledger,
  apply: (tombstones: readonly Tombstone[]) => Promise<Result<void>>,
): Promise<TombstoneFollower> {
  return new TombstoneFollower({
    log,
    producer: await log.producer({ lingerMs: 0 }),
    group: 'test.tombstones.1',
    apply,
    store: new LedgerAccess(ledger).store,
    readLogId: async () => ok(LOG_ID),
    deadLetters: onePartition(TOPICS.deadLetters),
    breaker: { deadInARowMax: 5, deadInWindowMax: 100, windowMs: 60_000 },
    backoff: { initialMs: 1, maxMs: 2 },
    logger: silentLog,
    metrics: createMetrics('test'),
  })
}

test('complete before it is started, then following; what the store has is applied once', async () => {
  const log = tombstoneLog()
  const ledger = new Ledger()
  const applied: string[] = []
  const apply = async (tombstones: readonly Tombstone[]) => {
    for (const { target } of tombstones) if (target.type === 'event') applied.push(target.id.slice(-2))
    return ok(undefined)
  }
  await append(log, 0, 10)
  const first = await makeFollower(log, ledger, apply)
  expect(first.problem).not.toBeNull()
  expect(await first.start()).toEqual(ok(undefined))
  expect(first.problem).toBeNull()
  expect(first.tombstones.size).toBe(10)
  await append(log, 10, 14)
  await until(() => first.tombstones.size === 14 && applied.length === 14, { what: 'the new ones' })
  await first.stop()
  await append(log, 14, 16)
  const second = await makeFollower(log, ledger, apply)
  await second.start()
  expect(second.tombstones.size).toBe(16)
  await second.stop()
  expect(applied.sort()).toEqual(
    Array.from({ length: 16 }, (_, at) => at.toString(16).padStart(2, '0')).sort(),
  )
})

test('a store that is away holds the start; nulls, ticks and undecodable records do not', async () => {
  const log = tombstoneLog()
  const ledger = new Ledger()
  await append(log, 0, 3)
  const producer = await log.producer({ lingerMs: 0 })
  const at = { topic: TOPICS.tombstones, partition: 0 }
  await producer.append({ ...at, key: 'gone', value: null })
  await producer.append({ ...at, key: '~tick:0', value: Buffer.from('tick') })
  await producer.append({ ...at, key: 'broken', value: Buffer.from('not avro') })
  let tries = 0
  const apply = async () => (++tries < 4 ? err(transient('clickhouse-unavailable', 'away')) : ok(undefined))
  const follower = await makeFollower(log, ledger, apply)
  expect(await follower.start()).toEqual(ok(undefined))
  expect(tries).toBeGreaterThanOrEqual(4)
  expect(follower.tombstones.size).toBe(3)
  await follower.stop()
  expect(log.records(TOPICS.deadLetters)).toHaveLength(1)

  const again = await makeFollower(log, ledger, apply)
  await again.start()
  await again.stop()
  expect(log.records(TOPICS.deadLetters), 'refused once').toHaveLength(1)
})

test('watermarks of another log are refused', async () => {
  const ledger = new Ledger()
  ledger.watermarks.set(1, { logId: 'another', nextOffset: 1, appendedAtMs: 0 })
  const follower = await makeFollower(tombstoneLog(), ledger, async () => ok(undefined))
  expect(await follower.start()).toMatchObject({ ok: false, fault: { code: 'log-foreign' } })
  await follower.stop()
})
