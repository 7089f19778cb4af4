import { testKafkaBrokers, until } from '@millrace/testkit'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKafkaSubject } from '../contract/kafka-subject.ts'
import { freshTopic, type LogSubject } from '../contract/log-subject.ts'
import { RecordingHandler } from '../contract/recording-handler.ts'

let subject: LogSubject
beforeAll(async () => {
  subject = await openKafkaSubject(testKafkaBrokers())
})
afterAll(() => subject.close())

/** Nothing here writes in transactions, but a tool of somebody's may: their markers lie in the log like records. */
test('control batches, also the last of a log, are passed without being shown', async () => {
  const topic = await freshTopic(subject)
  const kafka = new Kafka({
    brokers: testKafkaBrokers(),
    clientId: 'transactions',
    logLevel: logLevel.NOTHING,
  })
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const value of ['a', 'b', 'c']) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: 0, key: value, value }] })
    await transaction.commit()
  }
  await producer.disconnect()

  const handler = new RecordingHandler()
  const consumer = subject.log.consumer({
    groupId: `${topic}.group`,
    topics: [topic],
    exclusive: true,
    fetchBytesMax: 100,
  })
  await consumer.start(handler)
  await until(() => handler.nextOffsets.get(`${topic}:0`) === 6, {
    what: 'the end of three records and three markers',
  })
  expect(handler.values).toEqual(['a', 'b', 'c'])
  await consumer.stop()
  const read: string[] = []
  await subject.log.readToEnd(topic, ({ records }) => {
    read.push(...records.map(({ value }) => value?.toString() ?? '∅'))
  })
  expect(read).toEqual(['a', 'b', 'c'])
})
