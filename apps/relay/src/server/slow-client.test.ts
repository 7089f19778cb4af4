import { connect } from 'node:net'
import { RelayClient, sign, testKey, until } from '@millrace/testkit'
import { afterEach, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const key = testKey('slow')
let relay: MemoryRelay
afterEach(() => relay.stop())

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** A masked text frame (RFC 6455) with a zero mask, of a short message. */
const frame = (text: string) =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])

/** A client that asks and then reads nothing more. */
async function silentReader(port: number, message: string) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(UPGRADE)
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  socket.write(frame(message))
  return socket
}

const closedAs = async (reason: string) =>
  (await relay.metrics.expose()).includes(`relay_connections_closed_total{reason="${reason}"`)

test('a client that reads no live events is cut off with a reason; the others do not notice', async () => {
  relay = await startMemoryRelay({ env: { OUTBOX_BYTES_MAX: '200000' } })
  const slow = await silentReader(relay.port, '["REQ","s",{"kinds":[1]}]')
  const client = await RelayClient.connect(relay.url)
  const subscription = client.subscribe([{ kinds: [1] }])
  await subscription.stored()
  await until(() => relay.edge.fanout.size === 2, { what: 'both are subscribed' })
  let sent = 0
  while (!(await closedAs('slow'))) {
    const event = sign({ kind: 1, content: `${sent++} ${'x'.repeat(100_000)}` }, key)
    expect(await client.publish(event)).toMatchObject({ accepted: true })
    expect((await subscription.next()).id).toBe(event.id)
  }
  expect(relay.edge.fanout.size).toBe(1)
  const received: Buffer[] = []
  slow.on('data', (chunk) => received.push(chunk)).resume()
  await until(() => Buffer.concat(received).includes('you read too slowly'), { what: 'the reason arrives' })
  slow.destroy()
  await client.close()
}, 60_000)

test('a client at a standstill while it is sent stored events is cut off; one that reads gets all of them', async () => {
  relay = await startMemoryRelay({ env: { OUTBOX_BYTES_MAX: '2000000', OUTBOX_DRAIN_TIMEOUT_MS: '300' } })
  const client = await RelayClient.connect(relay.url)
  const events = Array.from({ length: 150 }, (_, i) =>
    sign({ kind: 1, content: 'x'.repeat(200_000), created_at: 1000 + i }, key),
  )
  for (const event of events) expect(await client.publish(event)).toMatchObject({ accepted: true })
  const slow = await silentReader(relay.port, '["REQ","s",{"kinds":[1]}]')
  await until(() => closedAs('slow'), { what: 'the slow client is cut off', deadlineMs: 20_000 })
  const read = await client.req([{ kinds: [1] }], { deadlineMs: 20_000 })
  expect(read.events.map((event) => event.id)).toEqual(events.map((event) => event.id).reverse())
  slow.destroy()
  await client.close()
}, 60_000)
