import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ControlSocket, controlSocket, controlSocketPath, readParts } from './control-socket.ts'
import { localAddresses } from './local-addresses.ts'

let dataDir: string
let server: Server | null = null
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ctl-control-'))
  await mkdir(join(dataDir, 'run'))
})
afterEach(async () => {
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)))
  server = null
  await rm(dataDir, { recursive: true })
})

const PARTS = [
  { name: 'kafka', state: 'ready', pid: 1, restarts: 0, address: '127.0.0.1:19092', opsUrl: null },
  {
    name: 'clickhouse',
    state: 'ready',
    pid: 2,
    restarts: 1,
    address: 'http://127.0.0.1:18123',
    opsUrl: null,
  },
]

/** A supervisor that knows two parts and refuses everything else. */
async function supervisor(path: string): Promise<void> {
  server = createServer((request, response) => {
    const known = request.url === '/status'
    response.writeHead(known ? 200 : 409, { 'content-type': 'application/json' })
    response.end(JSON.stringify(known ? { parts: PARTS } : { error: 'port 7777 is taken' }))
  })
  await new Promise<void>((resolve) => server?.listen(path, resolve))
}

test('the socket lies in the data folder, or where control.json says', async () => {
  expect(controlSocketPath(dataDir)).toBeNull()
  await supervisor(join(dataDir, 'run', 'control.sock'))
  expect(controlSocketPath(dataDir)).toBe(join(dataDir, 'run', 'control.sock'))
  const elsewhere = join(dataDir, 'elsewhere.sock')
  await writeFile(elsewhere, '')
  await writeFile(join(dataDir, 'run', 'control.json'), JSON.stringify({ socket: elsewhere }))
  expect(controlSocketPath(dataDir)).toBe(elsewhere)
})

test('answers are parsed, and a refusal carries the supervisor’s words', async () => {
  await supervisor(join(dataDir, 'run', 'control.sock'))
  expect(await readParts(controlSocket(dataDir))).toEqual(PARTS)
  await expect(controlSocket(dataDir).call('POST', '/edges', { port: 7777 })).rejects.toThrow(
    'port 7777 is taken',
  )
})

test('without a running stack the message says how to start one', async () => {
  expect(() => controlSocket(dataDir)).toThrow(/npm start/)
  await expect(new ControlSocket(join(dataDir, 'gone.sock')).call('GET', '/status')).rejects.toThrow(
    /npm start/,
  )
})

test('what the environment leaves unset comes from the running stack, then from the port variables', async () => {
  expect(await localAddresses({}, dataDir)).toEqual({})
  expect(await localAddresses({ KAFKA_PORT: '29092', CLICKHOUSE_HTTP_PORT: '28123' }, dataDir)).toEqual({
    KAFKA_BROKERS: '127.0.0.1:29092',
    CLICKHOUSE_URL: 'http://127.0.0.1:28123',
  })
  await supervisor(join(dataDir, 'run', 'control.sock'))
  expect(await localAddresses({ KAFKA_PORT: '29092' }, dataDir)).toEqual({
    KAFKA_BROKERS: '127.0.0.1:19092',
    CLICKHOUSE_URL: 'http://127.0.0.1:18123',
  })
  expect(await localAddresses({ KAFKA_BROKERS: 'kafka:9092' }, dataDir)).toEqual({
    CLICKHOUSE_URL: 'http://127.0.0.1:18123',
  })
  expect(await localAddresses({ KAFKA_BROKERS: 'kafka:9092', CLICKHOUSE_URL: 'http://ch' }, dataDir)).toEqual(
    {},
  )
})
