import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { LIMITS } from '@millrace/kernel'
import { arbitraryFrame, RelayClient, sign, testKey, until } from '@millrace/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

let relay: MemoryRelay
let witness: RelayClient
beforeAll(async () => {
  relay = await startMemoryRelay()
  witness = await RelayClient.connect(relay.url)
})
afterAll(async () => {
  expect(relay.faults).toEqual([])
  await witness.close()
  await until(() => relay.server.connectionCount === 0, { what: 'no connection is left' })
  expect(relay.edge.fanout.size).toBe(0)
  await relay.stop()
})

const key = testKey('witness')
let notes = 0
/** The other clients are unharmed. */
const stillServes = async () => {
  const event = sign({ kind: 1, content: `still here ${++notes}` }, key)
  expect(await witness.publish(event)).toMatchObject({ accepted: true })
  expect((await witness.req([{ ids: [event.id] }])).events).toHaveLength(1)
}

test('whatever text frames come, each is answered or of a kind that has no answer, and others are unharmed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryFrame, { minLength: 1, maxLength: 30 }), async (frames) => {
      const client = await RelayClient.connect(relay.url)
      for (const frame of frames) client.send(frame)
      // The answer to the last frame shows that all before it were handled.
      expect((await client.req([{ ids: ['0'.repeat(64)] }])).closed).toBeNull()
      for (const [verb, ...rest] of client.frames) {
        expect(['OK', 'EOSE', 'CLOSED', 'NOTICE', 'AUTH', 'EVENT']).toContain(verb)
        expect(rest).toHaveLength({ OK: 3, CLOSED: 2, EVENT: 2 }[String(verb)] ?? 1)
      }
      await client.close()
    }),
    { numRuns: 150 },
  )
  await stillServes()
}, 60_000)

test('random bytes on the TCP connection, before and after the upgrade', async () => {
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.boolean(),
      async (bytes, isUpgraded) => {
        const socket = connect(relay.port, '127.0.0.1')
        socket.on('error', () => {})
        if (isUpgraded) socket.write(upgrade)
        await new Promise((resolve) => socket.write(bytes, resolve))
        socket.destroy()
      },
    ),
    { numRuns: 100 },
  )
  await stillServes()
}, 60_000)

const rawSocket = async () => {
  const socket = new WebSocket(relay.url)
  const notices: string[] = []
  socket.on('message', (data) => notices.push(String(data)))
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)))
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('open', resolve))
  return { socket, notices, closed }
}

test('binary frames: NOTICE, then close 1003', async () => {
  const { socket, notices, closed } = await rawSocket()
  socket.send(randomBytes(10))
  expect(await closed).toBe(1003)
  expect(notices.at(-1)).toContain('NOTICE')
  await stillServes()
})

test('invalid UTF-8 closes with 1007', async () => {
  const { socket, closed } = await rawSocket()
  socket.send(Buffer.from([0x5b, 0xff, 0xfe]), { binary: false })
  expect(await closed).toBe(1007)
})

test('a frame above the limit closes with 1009, one at the limit is answered', async () => {
  const { socket, closed } = await rawSocket()
  socket.send(' '.repeat(LIMITS.frameBytesMax + 1))
  expect(await closed).toBe(1009)
  const client = await RelayClient.connect(relay.url)
  const frame = JSON.stringify(['EVENT', sign({ kind: 1, content: 'x' }, key)])
  const answer = client.nextFrame(([verb]) => verb === 'OK')
  client.send(frame + ' '.repeat(LIMITS.frameBytesMax - frame.length))
  expect((await answer)[2]).toBe(true)
  await client.close()
})

test('the largest event that fits a frame is stored and served', async () => {
  const client = await RelayClient.connect(relay.url)
  const tags = Array.from({ length: LIMITS.tagsPerEventMax }, (_, i) => ['t', `${i}`])
  const small = sign({ kind: 1, content: '', tags }, key)
  const room = LIMITS.frameBytesMax - JSON.stringify(['EVENT', small]).length
  const event = sign({ kind: 1, content: 'é'.repeat(Math.floor(room / 2)), tags }, key)
  expect(await client.publish(event)).toMatchObject({ accepted: true })
  expect((await client.req([{ ids: [event.id] }])).events[0]).toEqual(event)
  const tooMany = sign({ kind: 1, tags: [...tags, ['t', 'one more']] }, key)
  expect((await client.publish(tooMany)).message).toMatch(/^invalid: more than/)
  await client.close()
})

test('half-closed and vanished clients leave nothing behind', async () => {
  for (let i = 0; i < 20; i++) {
    const { socket } = await rawSocket()
    socket.send(JSON.stringify(['REQ', 'a', { kinds: [1] }]))
    socket.send(JSON.stringify(['EVENT', sign({ kind: 1, content: `gone ${i}` }, key)]))
    if (i % 2 === 0) socket.terminate()
    else (socket as unknown as { _socket: { end(): void } })._socket.end()
  }
  await until(() => relay.server.connectionCount === 1, { what: 'only the witness is connected' })
  expect(relay.edge.fanout.size).toBe(0)
  await stillServes()
})
