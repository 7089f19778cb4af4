import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delayMs } from 'node:timers/promises'
import { until } from '@millrace/testkit'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKafkaSubject } from '../contract/kafka-subject.ts'
import { appendAll, freshTopic, type LogSubject, outgoing } from '../contract/log-subject.ts'
import { type OwnBroker, startOwnBroker } from '../contract/own-broker.ts'
import { readSegments, type SegmentRecord, type SegmentsRead } from './read-segments.ts'

const PARTITIONS = [0, 1]
const KEYS = 40
const TICK = '~tick'

let broker: OwnBroker
let subject: LogSubject
beforeAll(async () => {
  // For folders of deleted topics the broker's own delay counts, not the topic's.
  broker = await startOwnBroker({ 'log.segment.delete.delay.ms': 4000 })
  subject = await openKafkaSubject(broker.brokers)
})
afterAll(async () => {
  await subject.close()
  await broker.close()
})

type Place = Pick<SegmentRecord, 'partition' | 'offset' | 'key' | 'value'>
const told = ({ partition, offset, key, value }: Place) => `${partition}:${offset} ${key}=${value}`

async function onDisk(topic: string): Promise<{ read: SegmentsRead; records: readonly SegmentRecord[] }> {
  const records: SegmentRecord[] = []
  const read = await readSegments({ logDir: broker.logDir, topics: [topic] }, (record) => {
    records.push(record)
  })
  return { read, records }
}

async function consumed(topic: string): Promise<readonly string[]> {
  const records: string[] = []
  await subject.log.readToEnd(topic, (batch) => {
    records.push(...batch.records.map(told))
  })
  return records
}

/** Another client's batches: gzip, many records each. */
async function appendGzipped(topic: string, round: number): Promise<void> {
  const kafka = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  for (const partition of PARTITIONS)
    await producer.send({
      topic,
      compression: CompressionTypes.GZIP,
      messages: Array.from({ length: KEYS }, (_, key) => ({
        partition,
        key: `k${key}`,
        value: `gzip ${round}`,
      })),
    })
  await producer.disconnect()
}

const everyKey = (topic: string, value: string | null) =>
  PARTITIONS.flatMap((partition) =>
    Array.from({ length: KEYS }, (_, key) => outgoing(topic, partition, `k${key}`, value)),
  )

const tick = (topic: string) =>
  appendAll(
    subject.log,
    PARTITIONS.map((partition) => outgoing(topic, partition, TICK, null)),
  )

test('what a consumer reads is what lies in the files, while the cleaner rewrites them and afterwards', {
  timeout: 90_000,
}, async () => {
  const topic = await freshTopic(subject, PARTITIONS.length, subject.cleanableConfigs)
  let wasCleaned = false
  for (let round = 0; round < 40; round++) {
    await appendAll(subject.log, everyKey(topic, `plain ${round}`))
    if (round % 8 === 0) await appendGzipped(topic, round)
    // Everything that a consumer can still read after the files were read lay in one of them all the time.
    const { read, records } = await onDisk(topic)
    const inFiles = new Set(records.map(told))
    const missing = (await consumed(topic)).filter((record) => !inFiles.has(record))
    expect(missing).toEqual([])
    expect(read.problems).toEqual([])
    wasCleaned ||= records.some(({ file }) => /\.(deleted|cleaned|swap)$/.test(file))
  }
  expect(wasCleaned).toBe(true)
  await until(
    async () => {
      await tick(topic)
      const { read, records } = await onDisk(topic)
      const left = records.filter(({ key }) => key?.toString() !== TICK)
      return left.length === PARTITIONS.length * KEYS && read.problems.length === 0
    },
    { what: 'one version of each key in the files', deadlineMs: 40_000, intervalMs: 300 },
  )
  const versions = (texts: readonly string[]) => texts.filter((text) => !text.includes(TICK)).sort()
  expect(versions((await onDisk(topic)).records.map(told))).toEqual(versions(await consumed(topic)))
})

test('a value that no consumer can read any more is found in the file that waits to be unlinked', {
  timeout: 60_000,
}, async () => {
  const topic = await freshTopic(subject, PARTITIONS.length, {
    ...subject.cleanableConfigs,
    'file.delete.delay.ms': '6000',
  })
  await appendAll(subject.log, [outgoing(topic, 1, 'planted', 'planted words'), ...everyKey(topic, 'other')])
  await appendAll(subject.log, [outgoing(topic, 1, 'planted', null)])
  const places = async () =>
    (await onDisk(topic)).records.filter(({ value }) => value?.toString() === 'planted words')
  expect((await places()).map(({ file }) => file)).toEqual([`${topic}-1/${'0'.repeat(20)}.log`])
  await until(
    async () => {
      await tick(topic)
      return !(await consumed(topic)).some((record) => record.includes('planted words'))
    },
    { what: 'the value gone for consumers', deadlineMs: 20_000, intervalMs: 200 },
  )
  const [place, ...more] = await places()
  expect(place).toMatchObject({ partition: 1, file: expect.stringMatching(/\.log\.deleted$/) })
  expect(more).toEqual([])
  await until(async () => (await places()).length === 0, {
    what: 'the file unlinked',
    deadlineMs: 20_000,
    intervalMs: 300,
  })
})

test('a deleted topic is read until its folder is gone', { timeout: 60_000 }, async () => {
  const topic = await freshTopic(subject)
  await appendAll(subject.log, [outgoing(topic, 0, 'planted', 'planted words')])
  const admin = await subject.log.admin()
  await admin.deleteTopic(topic)
  await admin.close()
  const files = async () => (await onDisk(topic)).records.map(({ file }) => file)
  await until(async () => (await files()).some((file) => /-delete\/\d+\.log/.test(file)), {
    what: 'the record below the renamed folder',
    deadlineMs: 10_000,
    intervalMs: 50,
  })
  await until(async () => (await files()).length === 0, {
    what: 'the folder gone',
    deadlineMs: 30_000,
    intervalMs: 300,
  })
})

/** What the runbook for uncleanable partitions rests on. */
test('a damaged batch keeps the cleaner from its partition, and the reader names the place', {
  timeout: 60_000,
}, async () => {
  const topic = await freshTopic(subject, 1, subject.cleanableConfigs)
  await appendAll(subject.log, [outgoing(topic, 0, 'damaged', 'before')])
  await appendAll(subject.log, [outgoing(topic, 0, 'planted', 'planted words')])
  const file = `${topic}-0/${'0'.repeat(20)}.log`
  const path = join(broker.logDir, file)
  const firstBytes = 12 + readFileSync(path).readInt32BE(8)
  const handle = await open(path, 'r+')
  await handle.write(Buffer.from([0, 0, 0, 5]), 0, 4, 8)
  await handle.close()
  await appendAll(subject.log, [outgoing(topic, 0, 'planted', null)])
  const endMs = Date.now() + 5_000
  while (Date.now() < endMs) {
    await appendAll(subject.log, [outgoing(topic, 0, TICK, null)])
    await delayMs(500)
  }
  expect(readFileSync(path).subarray(firstBytes).includes('planted words')).toBe(true)
  const { read } = await onDisk(topic)
  expect(read.problems).toEqual([{ file, problem: 'no record batch at byte 0' }])
})
