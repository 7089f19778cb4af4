import { request } from 'node:http'
import { connect } from 'node:net'
import { LIMITS } from '@millrace/kernel'
import { RelayClient, until } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

let relay: MemoryRelay
beforeAll(async () => {
  relay = await startMemoryRelay({ env: { CONNECTIONS_PER_ADDRESS_MAX: '3', TRUSTED_PROXIES: 'loopback' } })
})
afterAll(() => relay.stop())

const http = (path = '/') => `http://127.0.0.1:${relay.port}${path}`
const accept = { accept: 'application/nostr+json' }

/** Sends an upgrade by hand and answers the status line. */
const upgradeStatus = (path: string, headers: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(http(path), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        ...headers,
      },
    })
    asked.on('response', (response) => resolve(response.statusCode ?? 0))
    asked.on('upgrade', (_, socket) => {
      socket.destroy()
      resolve(101)
    })
    asked.on('error', reject)
    asked.end()
  })

describe('NIP-11', () => {
  test('the document names the limits that are enforced and the own key', async () => {
    const response = await fetch(http(), { headers: accept })
    expect(response.headers.get('content-type')).toBe('application/nostr+json')
    const document = (await response.json()) as Record<string, unknown>
    expect(document).toMatchObject({
      self: 'f'.repeat(64),
      supported_nips: [1, 4, 11, 17, 40, 42, 59, 70],
      limitation: {
        max_message_length: LIMITS.frameBytesMax,
        max_subscriptions: LIMITS.subscriptionsPerConnectionMax,
        max_limit: LIMITS.filterLimitMax,
        max_subid_length: 64,
        max_event_tags: LIMITS.tagsPerEventMax,
        created_at_upper_limit: 900,
      },
    })
  })

  test.each([
    { method: 'GET', status: 200 },
    { method: 'HEAD', status: 200 },
    { method: 'OPTIONS', status: 204 },
  ])('$method carries the three CORS headers', async ({ method, status }) => {
    const response = await fetch(http(), { method, headers: accept })
    expect(response.status).toBe(status)
    for (const name of ['origin', 'headers', 'methods'])
      expect(response.headers.get(`access-control-allow-${name}`)).toBeTruthy()
  })

  test('a browser gets a page, and other methods are refused', async () => {
    const page = await fetch(http(), { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('Nostr')
    expect((await fetch(http(), { method: 'POST' })).status).toBe(405)
  })
})

describe('the endpoint', () => {
  test('is / alone, for HTTP and for WebSocket', async () => {
    expect((await fetch(http('/other'))).status).toBe(404)
    expect(await upgradeStatus('/other')).toBe(404)
    expect(await upgradeStatus('/?a=b')).toBe(101)
  })

  test('takes a bounded number of connections of one address, told by a trusted proxy', async () => {
    const from = (address: string) =>
      RelayClient.connect(relay.url, { headers: { 'x-forwarded-for': address } })
    const clients = await Promise.all(['10.0.0.1', '10.0.0.1', '10.0.0.1'].map(from))
    expect(await upgradeStatus('/', { 'x-forwarded-for': '10.0.0.1' })).toBe(429)
    clients.push(await from('10.0.0.2'))
    await Promise.all(clients.map((client) => client.close()))
    await until(() => relay.server.connectionCount === 0, { what: 'no connection is counted' })
    expect(await upgradeStatus('/', { 'x-forwarded-for': '10.0.0.1' })).toBe(101)
  })

  test('survives sockets that are cut in the middle of a handshake', async () => {
    for (const text of ['GET / HT', 'GET / HTTP/1.1\r\nUpgrade: websocket\r\n', '\0\0\0']) {
      const socket = connect(relay.port, '127.0.0.1')
      await new Promise((resolve) => socket.write(text, resolve))
      socket.resetAndDestroy()
    }
    expect((await fetch(http())).status).toBe(200)
  })
})

test('a connection that never asks for anything is closed', async () => {
  const impatient = await startMemoryRelay({ env: { HANDSHAKE_TIMEOUT_MS: '100' } })
  const socket = connect(impatient.port, '127.0.0.1')
  await new Promise((resolve) => socket.once('close', resolve).resume())
  await impatient.stop()
})

test('a client that answers no pings is cut off', async () => {
  const strict = await startMemoryRelay({ env: { PING_INTERVAL_MS: '50' } })
  const socket = connect(strict.port, '127.0.0.1')
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await new Promise((resolve) => socket.once('close', resolve).resume())
  const patient = await RelayClient.connect(strict.url)
  await until(() => strict.server.connectionCount === 1, { what: 'only the live client is left' })
  expect((await patient.req([{ kinds: [1] }])).closed).toBeNull()
  await patient.close()
  await strict.stop()
})
