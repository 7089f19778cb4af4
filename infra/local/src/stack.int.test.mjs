import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startClickHouse } from './clickhouse/launch.mjs'
import { startKafka } from './kafka/launch.mjs'
import { httpCall } from './process/http.mjs'
import { freePorts } from './process/ports.mjs'
import { until } from './process/until.mjs'
import { startStack } from './stack.mjs'
import { processesWith } from './survivors.mjs'

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-stack-'))
/** @type {NonNullable<import('./stack.mjs').StackOptions['ports']>} */
let ports = {}
/** @type {import('./stack.mjs').RunningStack} */
let stack

/** Everything the stack started carries its data folder in the environment; this test itself does not. */
const processes = () => processesWith('MILLRACE_DATA', dataDir)

beforeAll(async () => {
  const [relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp] = await freePorts(6)
  ports = { relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp }
  stack = await startStack({ dataDir, ports })
}, 180_000)

afterAll(async () => {
  await stack?.stop()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

const partOf = async (/** @type {string} */ name) => {
  const part = (await stack.status()).parts.find((candidate) => candidate.name === name)
  if (part === undefined) throw new Error(`no part ${name}`)
  return part
}

test('it starts in order and tells addresses and three things to try', async () => {
  const { state, parts } = await stack.status()
  expect(state).toBe('ready')
  expect(parts.map(({ name }) => name)).toEqual([
    'kafka',
    'clickhouse',
    'storage',
    'deletion',
    'edge-1',
    'query-api',
  ])
  expect(parts.map((part) => part.state)).toEqual(parts.map(() => 'ready'))
  for (const address of [
    `ws://127.0.0.1:${ports.relay}`,
    `http://127.0.0.1:${ports.api}`,
    'curl',
    'WebSocket',
    `MILLRACE_DATA='${dataDir}' npx ctl status`,
  ])
    expect(stack.output()).toContain(address)
  expect(stack.output()).not.toContain('\u001b')
})

test('the relay answers on its port with its key in the data folder', async () => {
  expect((await httpCall({ url: `http://127.0.0.1:${ports.relay}/` })).status).toBe(200)
  expect(readFileSync(join(dataDir, 'relay-secret.key')).length).toBeGreaterThan(0)
})

test('nobody else on this machine reads what lies in the data folder', () => {
  const open = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const stat = lstatSync(join(dataDir, name), { throwIfNoEntry: false })
    return stat !== undefined && !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0
  })
  expect(open).toEqual([])
})

test('without its password nobody is a service in ClickHouse, and the analyst needs none', async () => {
  const url = `http://127.0.0.1:${ports.clickHouseHttp}/`
  const ask = async (/** @type {string} */ user, password = '') => {
    const query = new URLSearchParams({ user, password, query: 'SELECT currentUser()' })
    return (await httpCall({ url: `${url}?${query}`, method: 'POST' })).text.trim()
  }
  expect(await ask('analyst')).toBe('analyst')
  for (const user of [
    'millrace_maintenance',
    'millrace_insert',
    'millrace_req',
    'millrace_api',
    'millrace_views',
  ])
    expect(await ask(user), user).toContain('AUTHENTICATION_FAILED')
  expect(await ask('default')).toContain('USER_SESSION_LIMIT_EXCEEDED')
  const kept = JSON.parse(readFileSync(join(dataDir, 'clickhouse-users.json'), 'utf8'))
  expect(await ask('millrace_maintenance', kept['CLICKHOUSE_MAINTENANCE_PASSWORD'])).toBe(
    'millrace_maintenance',
  )
})

test('a second stack on the same folder is refused, and the first one is unharmed', async () => {
  const [relay] = await freePorts(1)
  await expect(startStack({ dataDir, ports: { ...ports, relay } })).rejects.toThrow(`pid ${stack.pid}`)
  expect((await stack.status()).state).toBe('ready')
})

test('a port that is taken is refused with its number and its variable', async () => {
  const other = mkdtempSync(join(tmpdir(), 'millrace-stack-'))
  await expect(startStack({ dataDir: other, ports })).rejects.toThrow(
    `port ${ports.relay} for the relay is taken`,
  )
  rmSync(other, { recursive: true })
})

test('a killed part comes back as another process', async () => {
  const { pid } = await partOf('storage')
  process.kill(pid ?? 0, 'SIGKILL')
  await until(
    async () => (await partOf('storage')).restarts === 1 && (await partOf('storage')).state === 'ready',
    {
      what: 'storage restarted',
      deadlineMs: 60_000,
    },
  )
  expect((await partOf('storage')).pid).not.toBe(pid)
}, 90_000)

test('a part can be stopped and started by hand', async () => {
  expect(await stack.control('POST', '/parts/storage/stop')).toMatchObject({ state: 'stopped', pid: null })
  expect(await stack.control('POST', '/parts/storage/start')).toMatchObject({ state: 'ready', restarts: 1 })
  await expect(stack.control('POST', '/parts/nothing/stop')).rejects.toThrow('there is no part "nothing"')
  await expect(stack.control('GET', '/nowhere')).rejects.toThrow('there is no GET /nowhere')
}, 60_000)

test('an edge is added on the port asked for, and a taken port is refused', async () => {
  const [port] = await freePorts(1)
  expect(await stack.control('POST', '/edges', { port })).toEqual({
    id: 'edge-2',
    port,
    address: `ws://127.0.0.1:${port}`,
  })
  await expect(stack.control('POST', '/edges', { port })).rejects.toThrow(`port ${port}`)
  await expect(stack.control('DELETE', '/edges/edge-1')).rejects.toThrow('edge-1')
  expect((await stack.status()).parts.map(({ name }) => name)).toContain('edge-2')
}, 60_000)

test('a SIGKILL of the supervisor leaves no process behind, and the next start takes over with its edges', async () => {
  expect(processes().length).toBeGreaterThanOrEqual(7)
  await stack.kill()
  await until(() => processes().length === 0, { what: 'every process gone', deadlineMs: 60_000 })
  stack = await startStack({ dataDir, ports })
  expect(stack.output()).toMatch(/lock of a stack that ended without a word \(pid \d+\) is taken over/)
  expect((await partOf('edge-2')).state).toBe('ready')
  await stack.control('DELETE', '/edges/edge-2')
  expect(JSON.parse(readFileSync(join(dataDir, 'edges.json'), 'utf8'))).toEqual([])
}, 240_000)

test('two signals at once, as a terminal and npm send them, stop it cleanly with nothing left', async () => {
  process.kill(stack.pid, 'SIGINT')
  process.kill(stack.pid, 'SIGINT')
  expect(await stack.exited).toBe(0)
  expect(processes()).toEqual([])
  expect(existsSync(join(dataDir, 'run', 'lock.json'))).toBe(false)
  expect(readdirSync(join(dataDir, 'run'))).toEqual([])
  const order = [...stack.output().matchAll(/stopping ([\w-]+)/g)].map(([, name]) => name)
  expect(order).toEqual(['query-api', 'edge-1', 'deletion', 'storage', 'clickhouse', 'kafka'])
}, 60_000)

test('with Kafka and ClickHouse elsewhere, only the platform is started here', async () => {
  const [port = 0, controllerPort = 0, httpPort = 0, tcpPort = 0, relay, api] = await freePorts(6)
  const [kafka, clickHouse] = await Promise.all([
    startKafka({ dataDir: join(dataDir, 'other-kafka'), port, controllerPort }),
    startClickHouse({ dataDir: join(dataDir, 'other-clickhouse'), httpPort, tcpPort, env: {} }),
  ])
  const env = { KAFKA_BROKERS: kafka.brokers, CLICKHOUSE_URL: clickHouse.url }
  const here = await startStack({ dataDir: join(dataDir, 'other'), ports: { relay, api }, env })
  try {
    const { parts } = await here.status()
    expect(parts.map(({ name }) => name)).toEqual(['storage', 'deletion', 'edge-1', 'query-api'])
    expect(here.output()).toContain(kafka.brokers)
  } finally {
    await here.stop()
    await Promise.all([kafka.stop(), clickHouse.stop()])
  }
}, 120_000)
