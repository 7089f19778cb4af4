import type { connect } from 'node:net'
import { LIMITS } from '@millrace/kernel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

let relay: MemoryRelay
beforeAll(async () => {
  relay = await startMemoryRelay()
})
afterAll(() => relay.stop())

interface End {
  readonly code: number
  readonly reason: string
  readonly frames: readonly string[]
}

/** What a client sees that does this once it is connected. */
async function endAfter(violate: (socket: WebSocket, write: (bytes: readonly number[]) => void) => void) {
  const socket = new WebSocket(relay.url)
  const frames: string[] = []
  socket.on('message', (data) => frames.push(String(data)))
  socket.on('error', () => {})
  const end = new Promise<End>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason), frames })),
  )
  await new Promise((resolve) => socket.once('open', resolve))
  // Past what a client library would send.
  const stream = (socket as unknown as { _socket: ReturnType<typeof connect> })._socket
  violate(socket, (bytes) => stream.write(Buffer.from(bytes)))
  return end
}

/** A masked frame with a mask of zeros. */
const frame = (head: number, payload: readonly number[]) => [
  head,
  0x80 | payload.length,
  0,
  0,
  0,
  0,
  ...payload,
]

test.each<[string, Parameters<typeof endAfter>[0], number, string]>([
  [
    'an oversized frame',
    (socket) => socket.send(' '.repeat(LIMITS.frameBytesMax + 1)),
    1009,
    `${LIMITS.frameBytesMax} bytes`,
  ],
  [
    'an oversized frame in fragments',
    (socket) => {
      socket.send(' '.repeat(LIMITS.frameBytesMax), { fin: false })
      socket.send('  ')
    },
    1009,
    `${LIMITS.frameBytesMax} bytes`,
  ],
  [
    'text that is no UTF-8',
    (socket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false }),
    1007,
    'UTF-8',
  ],
  ['a reserved bit', (_, write) => write(frame(0xc1, [0x5b])), 1002, 'RFC 6455'],
  ['an opcode that is none', (_, write) => write(frame(0x83, [])), 1002, 'RFC 6455'],
  ['a frame without a mask', (_, write) => write([0x81, 0x01, 0x5b]), 1002, 'RFC 6455'],
  ['a continuation of nothing', (_, write) => write(frame(0x80, [0x5b])), 1002, 'RFC 6455'],
])('%s is answered by a NOTICE and a close that say why', async (_, violate, code, words) => {
  const end = await endAfter(violate)
  expect(end.code).toBe(code)
  expect(end.reason).toMatch(/^invalid: /)
  expect(end.reason).toContain(words)
  expect(end.frames.at(-1)).toBe(JSON.stringify(['NOTICE', end.reason]))
})

test('a client that closes by itself gets its own code back, and nothing else', async () => {
  for (const code of [1000, 1002, 4000]) {
    const { reason, frames, ...end } = await endAfter((_, write) =>
      write(frame(0x88, [code >> 8, code & 0xff])),
    )
    expect([end.code, reason]).toEqual([code, ''])
    expect(frames.filter((text) => text.includes('NOTICE'))).toEqual([])
  }
})
