import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestStack } from './stack/test-stack.ts'

let stack: TestStack
let author = 0

const note = (content: string): SignedEvent => sign({ kind: 1, content }, testKey(`spine ${++author}`))

beforeAll(async () => {
  stack = await TestStack.start()
  await stack.addEdge()
}, 180_000)

afterAll(() => stack?.remove(), 60_000)

const ask = async (url: string, id: string): Promise<string[]> => {
  const client = await RelayClient.connect(url)
  const { events } = await client.req([{ ids: [id] }])
  await client.close()
  return events.map((event) => event.id)
}

const stored = (id: string) =>
  until(async () => (await stack.sql(`SELECT id FROM nostr.events WHERE id = '${id}'`)).length === 1, {
    what: `${id} in ClickHouse`,
    deadlineMs: 20_000,
    intervalMs: 50,
  })

test('an event goes in at one edge and comes out at both, in SQL and over HTTP', async () => {
  const [first, second] = await Promise.all([
    RelayClient.connect(stack.relayUrl),
    RelayClient.connect(stack.secondRelayUrl),
  ])
  const event = note('hello')
  const live = second.subscribe([{ authors: [event.pubkey] }])
  await live.stored()
  expect(await first.publish(event)).toMatchObject({ accepted: true, message: '' })
  expect((await first.req([{ ids: [event.id] }])).events).toEqual([event])
  expect(await live.next(1_000)).toEqual(event)
  expect((await second.req([{ ids: [event.id] }])).events).toEqual([event])
  await stored(event.id)
  const response = await fetch(`${stack.apiUrl}/api/events/${event.id}`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ id: event.id, content: 'hello' })
  expect(await first.publish(event)).toMatchObject({
    accepted: true,
    message: expect.stringMatching(/^duplicate:/),
  })
  expect(await second.publish(event)).toMatchObject({
    accepted: true,
    message: expect.stringMatching(/^duplicate:/),
  })
  await Promise.all([first.close(), second.close()])
})

test('the newest version rules at both edges and in SQL, and an older one is refused', async () => {
  const key = testKey('spine profile')
  const nowS = Math.floor(Date.now() / 1000)
  const version = (age: number) =>
    sign({ kind: 0, content: `{"name":"v${age}"}`, created_at: nowS - age }, key)
  const [older, newer, oldest] = [version(20), version(10), version(30)]
  const client = await RelayClient.connect(stack.relayUrl)
  expect((await client.publish(older)).accepted).toBe(true)
  expect((await client.publish(newer)).accepted).toBe(true)
  expect(await client.publish(oldest)).toMatchObject({
    accepted: false,
    message: expect.stringMatching(/^duplicate: replaced/),
  })
  expect((await client.req([{ authors: [key.pubkey], kinds: [0] }])).events).toEqual([newer])
  await stored(newer.id)
  expect((await client.req([{ authors: [key.pubkey], kinds: [0] }])).events).toEqual([newer])
  expect((await client.req([{ ids: [older.id] }])).events).toEqual([])
  // An insert reaches the winners a moment after the events: each view is right as of its own moment.
  const currentIds = () =>
    stack.sql<{ id: string }>(`SELECT id FROM nostr.events_current WHERE pubkey = '${key.pubkey}'`)
  await until(async () => (await currentIds()).some(({ id }) => id === newer.id), {
    what: 'the newest version in events_current',
  })
  expect(await currentIds()).toEqual([{ id: newer.id }])
  const second = await RelayClient.connect(stack.secondRelayUrl)
  expect(await second.publish(oldest)).toMatchObject({
    accepted: false,
    message: expect.stringMatching(/^duplicate: replaced/),
  })
  await Promise.all([client.close(), second.close()])
})

test('with storage stopped: served at once, after an edge restart too, and on the other edge within a second', async () => {
  await stack.control('POST', '/parts/storage/stop')
  const client = await RelayClient.connect(stack.relayUrl)
  const event = note('storage is away')
  expect((await client.publish(event)).accepted).toBe(true)
  expect((await client.req([{ ids: [event.id] }])).events).toHaveLength(1)
  await until(async () => (await ask(stack.secondRelayUrl, event.id)).length === 1, {
    deadlineMs: 1_000,
    what: 'the event on the second edge',
  })
  expect((await stack.health()).status).toBe(503)
  await client.close()
  process.kill(await stack.pidOf('edge-1'), 'SIGKILL')
  await until(
    () =>
      ask(stack.relayUrl, event.id).then(
        (ids) => ids.length === 1,
        () => false,
      ),
    {
      deadlineMs: 30_000,
      what: 'the event after the restart of the edge',
    },
  )
  await stack.control('POST', '/parts/storage/start')
  await stored(event.id)
  await stack.untilHealthy()
})

test('the largest event, and one that is all escapes, go through log, tables and out again unchanged', async () => {
  const frameBytesMax = 512 * 1024
  const key = testKey('spine largest')
  const draft = sign({ kind: 1, content: '' }, key)
  const room = frameBytesMax - Buffer.byteLength(JSON.stringify(['EVENT', draft]))
  const largest = sign({ kind: 1, content: 'x'.repeat(room) }, key)
  const escapes = sign(
    { kind: 1, content: '\u0001"\\\u2028é😀\n'.repeat(8_000), tags: [['t', '\u0000"\\']] },
    key,
  )
  const client = await RelayClient.connect(stack.relayUrl)
  for (const event of [largest, escapes]) {
    expect(await client.publish(event)).toMatchObject({ accepted: true })
    await stored(event.id)
    expect((await client.req([{ ids: [event.id] }])).events).toEqual([event])
  }
  const tooLarge = sign({ kind: 1, content: 'x'.repeat(room + 1) }, key)
  client.sendMessage('EVENT', tooLarge)
  const { code } = await client.closed
  expect(code).toBe(1009)
  // The other edge has neither in its cache: this answer comes from the tables.
  const second = await RelayClient.connect(stack.secondRelayUrl)
  expect((await second.req([{ ids: [largest.id, escapes.id] }])).events).toHaveLength(2)
  expect((await second.req([{ ids: [tooLarge.id] }])).events).toEqual([])
  await second.close()
})

test('private kinds come out for their people only, on every way', async () => {
  const [alice, bob, eve] = [testKey('spine alice'), testKey('spine bob'), testKey('spine eve')]
  const message = sign({ kind: 4, content: 'secret', tags: [['p', bob.pubkey]] }, alice)
  const publisher = await RelayClient.connect(stack.relayUrl)
  expect((await publisher.publish(message)).accepted).toBe(true)
  expect((await publisher.req([{ kinds: [4] }])).closed).toMatch(/^auth-required:/)
  expect((await publisher.req([{ ids: [message.id] }])).events).toEqual([])
  const reader = await RelayClient.connect(stack.relayUrl)
  expect((await reader.auth(bob)).accepted).toBe(true)
  expect((await reader.req([{ kinds: [4] }])).events).toEqual([message])
  const stranger = await RelayClient.connect(stack.relayUrl)
  expect((await stranger.auth(eve)).accepted).toBe(true)
  expect((await stranger.req([{ ids: [message.id] }])).events).toEqual([])
  expect((await fetch(`${stack.apiUrl}/api/events/${message.id}`)).status).toBe(404)
  await Promise.all([publisher.close(), reader.close(), stranger.close()])
})

test('ephemeral events reach live subscribers on both edges and are never stored', async () => {
  const [first, second] = await Promise.all([
    RelayClient.connect(stack.relayUrl),
    RelayClient.connect(stack.secondRelayUrl),
  ])
  const event = sign({ kind: 20_001, content: 'now' }, testKey('spine ephemeral'))
  const [here, there] = [first, second].map((client) => client.subscribe([{ kinds: [20_001] }]))
  await Promise.all([here?.stored(), there?.stored()])
  expect((await first.publish(event)).accepted).toBe(true)
  expect(await here?.next(2_000)).toEqual(event)
  expect(await there?.next(2_000)).toEqual(event)
  expect((await first.req([{ ids: [event.id] }])).events).toEqual([])
  await Promise.all([first.close(), second.close()])
})
