import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KafkaConfig } from '@millrace/config'
import { until } from '@millrace/testkit'
import { freePorts, startKafka } from '@millrace/testkit/stack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kafkaConfig } from '../contract/kafka-subject.ts'
import { outgoing } from '../contract/log-subject.ts'
import { RecordingHandler } from '../contract/recording-handler.ts'
import { createKafkaLog } from './kafka-log.ts'

const TOPIC = 'secured'
const PASSWORD = 'of this test only'

let directory: string
let broker: Awaited<ReturnType<typeof startKafka>>
let sasl: KafkaConfig
let tls: KafkaConfig

/** A key store with a self-signed certificate for 127.0.0.1, and that certificate as a PEM file. */
function certify(): { keyStore: string; certificate: string } {
  const keyStore = join(directory, 'broker.p12')
  const certificate = join(directory, 'ca.pem')
  const store = ['-keystore', keyStore, '-storetype', 'PKCS12', '-storepass', PASSWORD, '-alias', 'broker']
  const subject = ['-dname', 'CN=localhost', '-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-ext', 'BC=ca:true']
  execFileSync('keytool', ['-genkeypair', ...store, '-keyalg', 'EC', '-validity', '2', ...subject], {
    stdio: 'pipe',
  })
  execFileSync('keytool', ['-exportcert', '-rfc', ...store, '-file', certificate], { stdio: 'pipe' })
  return { keyStore, certificate }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-secured-'))
  const { keyStore, certificate } = certify()
  const [port, controllerPort, saslPort, tlsPort] = (await freePorts(4)) as [number, number, number, number]
  const listeners = `PLAINTEXT://127.0.0.1:${port},SASL://127.0.0.1:${saslPort},TLS://127.0.0.1:${tlsPort}`
  broker = await startKafka({
    dataDir: join(directory, 'data'),
    port,
    controllerPort,
    properties: {
      listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': listeners,
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.security.protocol.map':
        'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL',
      'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_millrace="${PASSWORD}";`,
      'listener.name.tls.ssl.keystore.location': keyStore,
      'listener.name.tls.ssl.keystore.type': 'PKCS12',
      'listener.name.tls.ssl.keystore.password': PASSWORD,
    },
  })
  const plain = createKafkaLog(kafkaConfig([broker.brokers]))
  const admin = await plain.admin()
  await admin.createTopic({ name: TOPIC, partitionCount: 1, replicationFactor: 1, configs: {} })
  await plain.close()
  const credentials = { mechanism: 'plain', username: 'millrace', password: PASSWORD } as const
  sasl = { ...kafkaConfig([`127.0.0.1:${saslPort}`]), sasl: credentials }
  tls = { ...kafkaConfig([`127.0.0.1:${tlsPort}`]), ssl: true, sslCaFile: certificate }
})
afterAll(async () => {
  await broker?.kill()
  rmSync(directory, { recursive: true, force: true })
})

async function roundTrip(config: KafkaConfig, key: string): Promise<void> {
  const log = createKafkaLog(config)
  const producer = await log.producer()
  expect((await producer.append(outgoing(TOPIC, 0, key))).ok).toBe(true)
  const handler = new RecordingHandler()
  const consumer = log.consumer({ groupId: `group.${key}`, topics: [TOPIC] })
  await consumer.start(handler)
  await until(() => handler.values.includes(key), { what: 'the record' })
  await log.close()
}

describe('SASL', () => {
  test('writes and reads with the right password', () => roundTrip(sasl, 'sasl'))

  test('a wrong password is a fatal fault, for writers and readers', async () => {
    const log = createKafkaLog({
      ...sasl,
      sasl: { mechanism: 'plain', username: 'millrace', password: 'wrong' },
    })
    const producer = await log.producer()
    expect(await producer.append(outgoing(TOPIC, 0, 'k'))).toMatchObject({
      ok: false,
      fault: { code: 'configuration-invalid', kind: 'fatal' },
    })
    const consumer = log.consumer({ groupId: 'g', topics: [TOPIC] })
    await expect(consumer.start(new RecordingHandler())).rejects.toThrow(/configuration-invalid/)
    await log.close()
  })
})

describe('TLS', () => {
  test("writes and reads when the broker's certificate is trusted", () => roundTrip(tls, 'tls'))

  test('a certificate that nobody vouches for is refused', async () => {
    const log = createKafkaLog({ ...tls, sslCaFile: null })
    const producer = await log.producer({ deliveryTimeoutMs: 1_000 })
    expect(await producer.append(outgoing(TOPIC, 0, 'k'))).toMatchObject({ ok: false })
    await log.close()
  })
})
