import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import { freePorts } from '../process/ports.mjs'
import { startKafka } from './launch.mjs'

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

async function start() {
  const [port = 0, controllerPort = 0] = await freePorts(2)
  return startKafka({ dataDir, port, controllerPort })
}

/** @param {string} broker @param {(kafka: Kafka) => Promise<void>} work */
async function withAdmin(broker, work) {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  await work(kafka)
}

/** @param {string} broker */
async function endOffset(broker) {
  let high = ''
  await withAdmin(broker, async (kafka) => {
    const admin = kafka.admin()
    await admin.connect()
    high = (await admin.fetchTopicOffsets('t'))[0]?.high ?? ''
    await admin.disconnect()
  })
  return high
}

/** @param {string} broker @param {string} value */
const append = (broker, value) =>
  withAdmin(broker, async (kafka) => {
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic: 't', acks: -1, messages: [{ value }] })
    await producer.disconnect()
  })

test('records survive a stop, a kill and a move to other ports', async () => {
  const first = await start()
  await withAdmin(first.brokers, async (kafka) => {
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 1 }], waitForLeaders: true })
    await admin.disconnect()
  })
  await append(first.brokers, 'one')
  await first.stop()
  const second = await start()
  expect(await endOffset(second.brokers)).toBe('1')
  await append(second.brokers, 'two')
  expect((await second.kill()).signal).toBe('SIGKILL')
  const third = await start()
  expect(await endOffset(third.brokers)).toBe('2')
  expect((await third.stop()).signal).toBeNull()
}, 180_000)

test('a taken port is refused before anything is touched', async () => {
  const [port = 0, controllerPort = 0] = await freePorts(2)
  const server = createServer().listen(controllerPort, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    await expect(startKafka({ dataDir, port, controllerPort })).rejects.toThrow('KAFKA_CONTROLLER_PORT')
  } finally {
    server.close()
  }
})

test('a broker that cannot run is reported with its own words', async () => {
  const [port = 0, controllerPort = 0] = await freePorts(2)
  const start = startKafka({ dataDir, port, controllerPort, properties: { 'log.retention.ms': 'soon' } })
  await expect(start).rejects.toThrow('log.retention.ms')
}, 60_000)
