import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts } from './process/ports.mjs'
import { LAUNCHER_SETTINGS, PORT_VARIABLES, readSettings, settleOpsPorts, usedPorts } from './settings.mjs'

test('the defaults are those of the documentation', () => {
  const { ports, relayHost, externalKafka } = readSettings({})
  expect(ports).toEqual({
    relay: 7777,
    relayOps: 7778,
    storageOps: 7779,
    deletionOps: 7782,
    api: 7780,
    kafka: 9092,
    kafkaController: 9093,
    clickHouseHttp: 8123,
    clickHouseTcp: 9000,
  })
  expect(relayHost).toBe('127.0.0.1')
  expect(externalKafka).toBeNull()
})

test('the controller follows the broker, unless it is placed', () => {
  expect(readSettings({ KAFKA_PORT: '19092' }).ports.kafkaController).toBe(19_093)
  expect(readSettings({ KAFKA_PORT: '19092', KAFKA_CONTROLLER_PORT: '5' }).ports.kafkaController).toBe(5)
})

test('a wrong port and a port used twice are named', () => {
  expect(() => readSettings({ RELAY_PORT: '70000' })).toThrow('RELAY_PORT')
  expect(() => readSettings({ RELAY_PORT: 'x' })).toThrow('"x"')
  expect(() => readSettings({ API_PORT: '9092' })).toThrow(/API_PORT.*KAFKA_PORT|KAFKA_PORT.*API_PORT/)
})

test('servers elsewhere need no ports here', () => {
  const settings = readSettings({ KAFKA_BROKERS: 'a:9092', CLICKHOUSE_URL: 'https://b', RELAY_PORT: '8123' })
  expect(usedPorts(settings).map(([name]) => name)).toEqual([
    'relay',
    'relayOps',
    'storageOps',
    'deletionOps',
    'api',
  ])
})

test('an ops port that nobody chose gives way; a chosen one stays', async () => {
  const [taken = 0] = await freePorts(1)
  const server = createServer().listen(taken, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const settings = readSettings({})
    const clashing = { ...settings, ports: { ...settings.ports, relayOps: taken } }
    expect((await settleOpsPorts(clashing, {})).ports.relayOps).not.toBe(taken)
    expect((await settleOpsPorts(clashing, { RELAY_OPS_PORT: String(taken) })).ports.relayOps).toBe(taken)
  } finally {
    server.close()
  }
})

test('every port variable is documented', () => {
  const documented = LAUNCHER_SETTINGS.map(({ name }) => name)
  expect(documented).toEqual(expect.arrayContaining(Object.values(PORT_VARIABLES)))
  for (const { name, description } of LAUNCHER_SETTINGS) expect(description, name).not.toBe('')
})
