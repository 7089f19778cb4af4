import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { RelayClient, sign, testKey } from './index.ts'

// The client against a server that says exactly what the test wants; whole relays are met in the end-to-end tests.

type Answer = (message: unknown[], socket: WebSocket) => void

const key = testKey('client')
const event = sign({ kind: 1, content: 'x' }, key)
const closing: (() => Promise<void>)[] = []

async function connect(
  answer: Answer,
  onConnect: (socket: WebSocket) => void = () => {},
): Promise<RelayClient> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) => {
    onConnect(socket)
    socket.on('message', (data) => answer(JSON.parse(String(data)) as unknown[], socket))
  })
  await once(server, 'listening')
  closing.push(async () => {
    for (const socket of server.clients) socket.terminate()
    await new Promise((resolve) => server.close(resolve))
  })
  return RelayClient.connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const send = (socket: WebSocket, ...message: unknown[]) => socket.send(JSON.stringify(message))

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

test('publish answers the OK of its own event', async () => {
  const client = await connect(([, given], socket) => {
    send(socket, 'OK', 'f'.repeat(64), false, 'error: another one')
    send(socket, 'OK', (given as { id: string }).id, true, '')
  })
  expect(await client.publish(event)).toEqual({ id: event.id, accepted: true, message: '' })
})

test('req collects the events of its subscription until EOSE, then closes it', async () => {
  const verbs: unknown[] = []
  const client = await connect(([verb, id], socket) => {
    verbs.push(verb)
    if (verb !== 'REQ') return
    send(socket, 'EVENT', 'another', { ...event, id: 'another' })
    send(socket, 'EVENT', id, event)
    send(socket, 'EOSE', id)
  })
  expect(await client.req([{}])).toEqual({ events: [event], closed: null })
  await client.close()
  expect(verbs).toEqual(['REQ', 'CLOSE'])
})

test('req answers the message of CLOSED', async () => {
  const client = await connect(([, id], socket) => send(socket, 'CLOSED', id, 'auth-required: who are you'))
  expect(await client.req([{ kinds: [4] }])).toEqual({ events: [], closed: 'auth-required: who are you' })
})

test('a subscription goes on with live events after EOSE', async () => {
  const client = await connect(([verb, id], socket) => {
    if (verb === 'REQ') send(socket, 'EOSE', id)
    else send(socket, 'EVENT', 'live', (id as object) ?? null)
  })
  const subscription = client.subscribe([{}], 'live')
  expect(await subscription.stored()).toBeNull()
  client.sendMessage('EVENT', event)
  client.sendMessage('EVENT', event)
  expect(await subscription.take(2)).toEqual([event, event])
  await expect(subscription.next(5)).rejects.toThrow('1 events for live')
  expect([subscription.eoseCount, subscription.closedMessage]).toEqual([1, null])
})

test('auth signs the challenge that came on connect', async () => {
  let answered: unknown
  const client = await connect(
    ([, given], socket) => {
      answered = given
      send(socket, 'OK', (given as { id: string }).id, true, '')
    },
    (socket) => send(socket, 'AUTH', 'challenge'),
  )
  expect((await client.auth(key)).accepted).toBe(true)
  expect(answered).toMatchObject({
    kind: 22242,
    pubkey: key.pubkey,
    tags: [
      ['relay', client.url],
      ['challenge', 'challenge'],
    ],
  })
})

test('waits end at their deadline or with the connection, and say for what', async () => {
  const client = await connect(([verb], socket) => {
    if (verb === 'CLOSE') socket.close(4000, 'enough')
  })
  await expect(client.publish(event, { deadlineMs: 5 })).rejects.toThrow(`OK for ${event.id}`)
  const waiting = client.publish(event)
  client.sendMessage('CLOSE', 'x')
  await expect(waiting).rejects.toThrow('4000 enough')
  expect(await client.closed).toEqual({ code: 4000, reason: 'enough' })
  await expect(client.publish(event)).rejects.toThrow('not connected')
})
