import { connect, type Socket } from 'node:net'
import { until } from '@millrace/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { startMemoryRelay } from '../testing/memory-relay.ts'

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

/** A client that never closes its half of the connection; the relay's own sockets and what came are counted. */
async function client(env: Record<string, string> = {}) {
  const relay = await startMemoryRelay({ env: { TRUSTED_PROXIES: 'loopback', ...env } })
  const sockets: Socket[] = []
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await relay.stop()
  })
  const open = () => {
    const socket = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
    const state = { socket, received: '', isOver: false }
    socket.on('data', (chunk) => {
      state.received += String(chunk)
    })
    // A reset is an end as well.
    socket.on('error', () => {
      state.isOver = true
    })
    socket.on('close', () => {
      state.isOver = true
    })
    sockets.push(socket)
    return state
  }
  return { relay, open }
}

const request = (line: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\n${headers}\r\n`

/** Whether the relay has let go of the socket: what is written to it then is answered with a reset. */
const isLetGo = (state: { socket: Socket; isOver: boolean }) =>
  until(
    () => {
      if (!state.isOver) state.socket.write(' ')
      return state.isOver
    },
    { what: 'the relay lets go of the socket', deadlineMs: 3_000 },
  )

test('a refused upgrade is closed even when its client goes on holding the connection', async () => {
  const { open } = await client()
  const state = open()
  state.socket.write(request('GET /elsewhere', UPGRADE))
  await until(() => state.received.includes('404 Not Found'), { what: 'the answer' })
  await isLetGo(state)
})

test('a connection whose request was above the rate is closed', async () => {
  const { open } = await client({ CONNECTIONS_PER_ADDRESS_PER_S: '1', CONNECTIONS_PER_ADDRESS_BURST: '1' })
  const state = open()
  state.socket.write(request('GET /'))
  await until(() => state.received.includes('200 OK'), { what: 'the first answer' })
  state.socket.write(request('GET /'))
  await until(() => state.received.includes('429 Too Many Requests'), { what: 'the second answer' })
  expect(state.received).toMatch(/429 Too Many Requests[\s\S]*connection: close/i)
  await isLetGo(state)
})

test.each(['POST', 'GET', 'OPTIONS'])('a body without an end is not taken (%s)', async (method) => {
  const { open } = await client()
  const state = open()
  state.socket.write(request(`${method} /`, 'Transfer-Encoding: chunked\r\n'))
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  await until(
    () => {
      if (!state.isOver) state.socket.write(chunk)
      return state.isOver
    },
    { what: 'the relay lets go of the socket', deadlineMs: 3_000 },
  )
})
