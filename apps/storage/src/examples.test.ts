import { encodeExample } from '@millrace/codec'
import { createMemoryLog, type MemoryLog, readLogId } from '@millrace/kafka'
import { ok } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'
import { createMetrics, silentLog } from '@millrace/observability'
import { onePartition, redrive, TombstoneFollower, type WatermarkStore } from '@millrace/pipeline'
import { examplesOf, type SchemaName } from '@millrace/schemas'
import { TOPICS, type TopicName } from '@millrace/topics'
import { expect, test } from 'vitest'

/** A log whose topics hold every example of their schema. */
async function logWith(...filled: readonly (readonly [TopicName, SchemaName])[]): Promise<MemoryLog> {
  const topics = Object.values(TOPICS).map((name) => ({
    name,
    partitionCount: 1,
    replicationFactor: 1,
    configs: {},
  }))
  const log = createMemoryLog({ topics })
  const producer = await log.producer({ lingerMs: 0 })
  for (const [topic, schema] of filled)
    for (const example of examplesOf(schema)) {
      const { scope, key } = example.value as { scope?: string; key?: string }
      const name = schema === 'relay-setting' ? `${scope}:${key}` : example.file
      await producer.append({ topic, partition: 0, key: name, value: encodeExample(example) })
    }
  await producer.close()
  return log
}

test('every tombstone example is applied as ever', async () => {
  const log = await logWith([TOPICS.tombstones, 'tombstone'], [TOPICS.settings, 'relay-setting'])
  const applied: Tombstone[] = []
  const moved: number[] = []
  const store: WatermarkStore = {
    read: async () => ok(new Map()),
    write: async (_topic, _logId, moves) => {
      moved.push(...moves.map(({ nextOffset }) => nextOffset))
      return ok(undefined)
    },
  }
  const follower = new TombstoneFollower({
    log,
    producer: await log.producer({ lingerMs: 0 }),
    group: 'storage.tombstones.test',
    apply: async (tombstones) => {
      applied.push(...tombstones)
      return ok(undefined)
    },
    store,
    readLogId: () => readLogId(log),
    deadLetters: onePartition(TOPICS.deadLetters),
    breaker: { deadInARowMax: 1, deadInWindowMax: 1, windowMs: 1 },
    backoff: { initialMs: 1, maxMs: 1 },
    logger: silentLog,
    metrics: createMetrics('test'),
  })
  expect(await follower.start()).toEqual(ok(undefined))
  await follower.stop()
  expect(moved.at(-1)).toBe(examplesOf('tombstone').length)
  expect({ applied, held: follower.tombstones.size }).toMatchSnapshot()
})

test('the log id is found among the settings', async () => {
  const log = await logWith([TOPICS.settings, 'relay-setting'])
  expect(await readLogId(log)).toMatchSnapshot()
})

test('every dead letter example is judged by redrive as ever', async () => {
  const log = await logWith([TOPICS.deadLetters, 'dead-letter'])
  const producer = await log.producer({ lingerMs: 0 })
  expect(await redrive({ log, producer, isDryRun: true })).toMatchSnapshot()
})
