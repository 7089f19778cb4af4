import { RelayClient, until } from '@millrace/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const clock = { nowMs: 0 }
let relay: MemoryRelay

const launch = async (env: Record<string, string>) => {
  relay = await startMemoryRelay({
    env: { TRUSTED_PROXIES: 'loopback', ...env },
    monotonicMs: () => clock.nowMs,
  })
}

const start = async (env: Record<string, string>) => {
  await launch(env)
  onTestFinished(() => relay.stop())
}

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
const connect = (address: string) => RelayClient.connect(relay.url, from(address))
const pauses = async () => {
  const counted = /relay_rate_limited_total\{what="byte".*\} (\d+)/.exec(await relay.metrics.expose())
  return Number(counted?.[1] ?? 0)
}

/** What an upgrade that is refused is answered with. */
const refusal = (address: string) =>
  new Promise<{ status: number; retryAfter: string | undefined; body: string }>((resolve, reject) => {
    const socket = new WebSocket(relay.url, from(address))
    socket.on('error', reject)
    socket.on('unexpected-response', (_, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body: String(Buffer.concat(chunks)),
        }),
      )
    })
  })

test('connections above the rate are answered 429 with the time to wait; HTTP requests count too', async () => {
  await start({ CONNECTIONS_PER_ADDRESS_PER_S: '1', CONNECTIONS_PER_ADDRESS_BURST: '2' })
  const http = () => fetch(`http://127.0.0.1:${relay.port}/`, from('10.0.0.1'))
  const client = await connect('10.0.0.1')
  expect((await http()).status).toBe(200)
  expect(await refusal('10.0.0.1')).toEqual({
    status: 429,
    retryAfter: '1',
    body: 'at most 1 connections a second from one address, 2 at once; try again in 1 s',
  })
  const refused = await http()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  const other = await connect('10.0.0.2')
  clock.nowMs += 1_000
  const again = await connect('10.0.0.1')
  await Promise.all([client, other, again].map((each) => each.close()))
})

test('connections of one IPv6 network are counted together', async () => {
  await start({ CONNECTIONS_PER_ADDRESS_MAX: '2' })
  const clients = await Promise.all(['2001:db8::1', '2001:db8::2'].map(connect))
  expect(await refusal('2001:db8::3')).toMatchObject({ status: 429, retryAfter: undefined })
  clients.push(await connect('2001:db8:0:1::1'))
  await Promise.all(clients.map((each) => each.close()))
})

const QUERY = '["REQ","q",{"kinds":[1]}]'

test('who sends too many bytes is read later, and loses nothing', async () => {
  await start({ BYTES_PER_ADDRESS_PER_S: '10000', BYTES_PER_ADDRESS_BURST: '10000' })
  const [flood, neighbour] = await Promise.all([connect('10.0.0.1'), connect('10.0.0.2')])
  // 10,000 bytes too many: a second, and a little for the frame itself.
  flood.send(QUERY.padEnd(20_000))
  await flood.nextFrame(([verb]) => verb === 'EOSE')
  await until(async () => (await pauses()) === 1, { what: 'the socket is paused' })
  flood.sendMessage('CLOSE', 'q')
  flood.sendMessage('COUNT', 'late', {})
  const answer = flood.nextFrame(([verb]) => verb === 'CLOSED')
  // The neighbour's round trip comes after what the relay would have read from the flood.
  expect((await neighbour.req([{ kinds: [1] }])).closed).toBeNull()
  expect(flood.frames.some(([verb]) => verb === 'CLOSED')).toBe(false)
  expect(relay.server.connectionCount).toBe(2)
  clock.nowMs += 2_000
  expect((await answer)[1]).toBe('late')
  await Promise.all([flood.close(), neighbour.close()])
})

test.each([
  ['messages that say nothing', (socket: WebSocket) => socket.send('[]')],
  ['pings', (socket: WebSocket) => socket.ping()],
])('%s count as more than their few bytes', async (_, send) => {
  await start({ BYTES_PER_ADDRESS_PER_S: '10000', BYTES_PER_ADDRESS_BURST: '10000' })
  const socket = new WebSocket(relay.url, from('10.0.0.1'))
  await new Promise((resolve) => socket.once('open', resolve))
  for (let i = 0; i < 50; i++) send(socket)
  await until(async () => (await pauses()) > 0, { what: 'the socket is paused' })
  socket.terminate()
})

test('a relay with paused sockets stops at once', async () => {
  await launch({ BYTES_PER_ADDRESS_PER_S: '1', BYTES_PER_ADDRESS_BURST: '1' })
  const client = await connect('10.0.0.1')
  client.send(QUERY)
  await until(async () => (await pauses()) === 1, { what: 'the socket is paused' })
  const stopped = relay.stop()
  expect(await client.closed).toMatchObject({ code: 1001 })
  await stopped
})
