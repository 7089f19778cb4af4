import { readFileSync } from 'node:fs'
import { unwrap } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import {
  catalogue,
  DEFAULT_TOPIC_OPTIONS,
  heartbeatIntervalMs,
  partitionCountOf,
  TICK_KEY_PREFIX,
  TOPICS,
} from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kafkaConfig } from '../contract/kafka-subject.ts'
import { appendAll, outgoing } from '../contract/log-subject.ts'
import { type OwnBroker, startOwnBroker } from '../contract/own-broker.ts'
import { createKafkaLog } from '../kafkajs/kafka-log.ts'
import type { Log } from '../port.ts'
import { applyTopics } from '../topics-apply.ts'
import { readSegments } from './read-segments.ts'
import { listSegmentFiles } from './segment-files.ts'

const ERASURE_DEADLINE_S = 24
const OPTIONS = { ...DEFAULT_TOPIC_OPTIONS, erasureDeadlineS: ERASURE_DEADLINE_S }
const COMPACTED = [TOPICS.events, TOPICS.tombstones, TOPICS.settings, TOPICS.deadLetters] as const
/** Nulls at this many moments of one deadline: before, at and after segments roll and the cleaner passes. */
const MOMENTS = 12
const PARTITION_OF_EVENTS = 5

let broker: OwnBroker
let log: Log
beforeAll(async () => {
  // With the settings that `npm start` gives it: they are part of what is proven.
  broker = await startOwnBroker()
  log = createKafkaLog(kafkaConfig(broker.brokers))
  const admin = await log.admin()
  unwrap(await applyTopics(admin, log, catalogue(OPTIONS), OPTIONS))
  await admin.close()
})
afterAll(async () => {
  await log.close()
  await broker.close()
})

interface Planted {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly words: string
  nulledAtMs: number | null
  goneAfterMs: number | null
}

const ticks = () =>
  catalogue(OPTIONS)
    .filter(({ name }) => (COMPACTED as readonly string[]).includes(name))
    .flatMap((topic) =>
      Array.from({ length: partitionCountOf(topic, OPTIONS) }, (_, partition) =>
        outgoing(topic.name, partition, `${TICK_KEY_PREFIX}${partition}`, null),
      ),
    )

/** The planted words that lie anywhere: in a record, or raw in any part of a file. */
async function traces(planted: readonly Planted[]): Promise<ReadonlySet<string>> {
  const place = { logDir: broker.logDir, topics: COMPACTED }
  const found = new Set<string>()
  const read = await readSegments(place, ({ value }) => {
    if (value?.toString().startsWith('planted')) found.add(value.toString())
  })
  expect(read.problems).toEqual([])
  for (const { path } of (await listSegmentFiles(place)).files) {
    const bytes = bytesOf(path)
    for (const { words } of planted) if (bytes.includes(words)) found.add(words)
  }
  return found
}

/** A file that was unlinked since it was listed has no bytes; one that was renamed is seen the next time. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

test(`nulled bytes are gone from every file within ${ERASURE_DEADLINE_S} s, in partitions that receive heartbeats alone`, {
  timeout: 4 * ERASURE_DEADLINE_S * 1000,
}, async () => {
  const planted: Planted[] = COMPACTED.flatMap((topic) =>
    Array.from({ length: MOMENTS }, (_, moment) => ({
      topic,
      partition: topic === TOPICS.events ? PARTITION_OF_EVENTS : 0,
      // The null that erases it keeps the key.
      key: `key ${moment}`,
      words: `planted ${topic} ${moment}.`,
      nulledAtMs: null,
      goneAfterMs: null,
    })),
  )
  const keep = COMPACTED.map((topic) => outgoing(topic, 0, 'kept', `kept ${topic}`))
  await appendAll(log, [
    ...keep,
    ...planted.map(({ topic, partition, key, words }) => outgoing(topic, partition, key, words)),
  ])
  const heartbeat = setInterval(() => void appendAll(log, ticks()), heartbeatIntervalMs(ERASURE_DEADLINE_S))
  const startedAtMs = Date.now()
  const everyMs = (ERASURE_DEADLINE_S * 1000) / MOMENTS
  try {
    await until(
      async () => {
        const due = planted.filter(
          ({ nulledAtMs }, index) =>
            nulledAtMs === null && Date.now() >= startedAtMs + (1 + (index % MOMENTS)) * everyMs,
        )
        await appendAll(
          log,
          due.map(({ topic, partition, key }) => outgoing(topic, partition, key, null)),
        )
        for (const one of due) one.nulledAtMs = Date.now()
        const found = await traces(planted)
        for (const one of planted) {
          if (one.nulledAtMs === null) expect(found).toContain(one.words)
          else if (!found.has(one.words)) one.goneAfterMs ??= Date.now() - one.nulledAtMs
          else expect(one.goneAfterMs).toBeNull()
        }
        return planted.every(({ goneAfterMs }) => goneAfterMs !== null)
      },
      { what: 'everything planted gone', deadlineMs: 3 * ERASURE_DEADLINE_S * 1000, intervalMs: 300 },
    )
  } finally {
    clearInterval(heartbeat)
  }
  for (const topic of COMPACTED) {
    const tookS = planted
      .filter((one) => one.topic === topic)
      .map(({ goneAfterMs }) => (goneAfterMs ?? 0) / 1000)
    console.log(`${topic}: gone after ${tookS.map((s) => s.toFixed(1)).join(', ')} s`)
    expect(Math.max(...tookS), topic).toBeLessThan(ERASURE_DEADLINE_S)
  }
  const values: string[] = []
  await readSegments({ logDir: broker.logDir, topics: COMPACTED }, ({ value }) => {
    if (value !== null) values.push(value.toString())
  })
  for (const { value } of keep) expect(values).toContain(value?.toString())
})
