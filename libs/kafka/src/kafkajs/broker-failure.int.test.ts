import { delayMs, type Result } from '@millrace/kernel'
import { until, within } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kafkaConfig } from '../contract/kafka-subject.ts'
import { outgoing } from '../contract/log-subject.ts'
import { type OwnBroker, startOwnBroker } from '../contract/own-broker.ts'
import { RecordingHandler } from '../contract/recording-handler.ts'
import type { Log, LogProducer, LogRecord, Placement } from '../port.ts'
import { createKafkaLog } from './kafka-log.ts'

const PARTITIONS = 4
const KILLS = 2

let broker: OwnBroker
let log: Log
beforeAll(async () => {
  broker = await startOwnBroker()
  log = createKafkaLog(kafkaConfig(broker.brokers))
})
afterAll(async () => {
  await log?.close()
  await broker?.close()
})

interface Answer {
  readonly key: string
  readonly partition: number
  readonly result: Result<Placement>
}

/** Appends one record after the other to a partition, several under way at a time, until told to stop. */
async function writer(producer: LogProducer, topic: string, partition: number, signal: AbortSignal) {
  const answers: Promise<Answer>[] = []
  for (let n = 0; !signal.aborted; n++) {
    const key = `${partition}.${n}`
    answers.push(
      producer.append(outgoing(topic, partition, key)).then((result) => ({ key, partition, result })),
    )
    await delayMs(2)
  }
  return await Promise.all(answers)
}

async function createTopic(partitionCount: number): Promise<string> {
  const admin = await log.admin()
  const name = `failure.${Date.now()}`
  await admin.createTopic({ name, partitionCount, replicationFactor: 1, configs: {} })
  await admin.close()
  return name
}

/** Appends until Kafka takes it: a broker that just started refuses for a while. */
const appended = (producer: LogProducer, topic: string, key: string): Promise<Placement> =>
  until(
    async () => {
      const result = await producer.append(outgoing(topic, 0, key))
      return result.ok ? result.value : null
    },
    { what: `${key} appended`, deadlineMs: 30_000 },
  )

async function stored(topic: string): Promise<ReadonlyMap<string, LogRecord>> {
  const records = new Map<string, LogRecord>()
  await log.readToEnd(topic, (batch) => {
    for (const record of batch.records) records.set(`${record.partition}:${record.offset}`, record)
  })
  return records
}

describe('a broker that is killed', () => {
  test('everything answered ok is at its place, once and in order', { timeout: 120_000 }, async () => {
    const topic = await createTopic(PARTITIONS)
    const producer = await log.producer({ deliveryTimeoutMs: 15_000 })
    const handler = new RecordingHandler()
    const consumer = log.consumer({ groupId: `${topic}.group`, topics: [topic] })
    await consumer.start(handler)
    const stop = new AbortController()
    const writers = Array.from({ length: PARTITIONS }, (_, partition) =>
      writer(producer, topic, partition, stop.signal),
    )
    for (let kill = 0; kill < KILLS; kill++) {
      await delayMs(700)
      await until(() => producer.pendingRecords > 0, { what: 'records under way at the kill', intervalMs: 1 })
      await broker.kill()
      await until(() => producer.pendingRecords > 0, { what: 'records waiting for the broker' })
      await broker.start()
      await until(() => producer.pendingRecords < PARTITIONS * 5, {
        what: 'the backlog gone',
        deadlineMs: 20_000,
      })
    }
    stop.abort()
    const answers = (await Promise.all(writers)).flat()
    await producer.close()

    const records = await stored(topic)
    const accepted = answers.flatMap(({ key, result }) => (result.ok ? [{ key, at: result.value }] : []))
    for (const { key, at } of accepted)
      expect(records.get(`${at.partition}:${at.offset}`)?.key?.toString(), `what lies at ${at.offset}`).toBe(
        key,
      )
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const offsets = accepted.filter(({ at }) => at.partition === partition).map(({ at }) => at.offset)
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
      expect(new Set(offsets).size).toBe(offsets.length)
    }
    const copies = Map.groupBy(records.values(), ({ key }) => key?.toString())
    expect(accepted.filter(({ key }) => copies.get(key)?.length !== 1)).toEqual([])
    expect(accepted.length).toBeGreaterThan(answers.length / 2)

    await until(() => [...handler.nextOffsets.values()].reduce((a, b) => a + b, 0) === records.size, {
      what: 'the consumer at the end',
      deadlineMs: 30_000,
    })
    expect(new Set(handler.values).size).toBe(records.size)
    expect(handler.violations).toEqual([])
    await consumer.stop()
  })

  test('without it, appends are answered in time, and not claimed to be lost when they may be there', async () => {
    const topic = await createTopic(1)
    const producer = await log.producer({ deliveryTimeoutMs: 1_000 })
    await appended(producer, topic, 'before')
    await broker.kill()
    const answers = await within(
      3_000,
      'an answer',
      Promise.all(['a', 'b', 'c'].map((key) => producer.append(outgoing(topic, 0, key)))),
    )
    for (const answer of answers)
      expect(answer).toMatchObject({
        ok: false,
        fault: { kind: 'transient', code: expect.stringMatching(/timeout|kafka-unavailable/) },
      })
    const later = await within(3_000, 'an answer', producer.append(outgoing(topic, 0, 'd')))
    expect(later).toMatchObject({ ok: false, fault: { code: 'kafka-unavailable' } })
    await broker.start()
    const after = await appended(producer, topic, 'after')
    expect(after.topic).toBe(topic)
    const keys = [...(await stored(topic)).values()].map(({ key }) => key?.toString())
    expect(keys).not.toContain('d')
    await producer.close()
  })
})

describe('a broker that is frozen', () => {
  test('appends time out, and the producer works as soon as it thaws', { timeout: 60_000 }, async () => {
    const topic = await createTopic(1)
    const producer = await log.producer({ deliveryTimeoutMs: 1_500 })
    await appended(producer, topic, 'before')
    process.kill(broker.pid, 'SIGSTOP')
    try {
      const frozen = await within(3_000, 'an answer', producer.append(outgoing(topic, 0, 'frozen')))
      expect(frozen).toMatchObject({ ok: false, fault: { code: 'timeout', kind: 'transient' } })
      const unsent = await within(3_000, 'an answer', producer.append(outgoing(topic, 0, 'unsent')))
      expect(unsent).toMatchObject({ ok: false, fault: { code: 'kafka-unavailable' } })
    } finally {
      process.kill(broker.pid, 'SIGCONT')
    }
    const after = await appended(producer, topic, 'after')
    const records = await stored(topic)
    expect(records.get(`0:${after.offset}`)?.key?.toString()).toBe('after')
    expect([...records.values()].map(({ key }) => key?.toString())).not.toContain('unsent')
    await producer.close()
  })
})
