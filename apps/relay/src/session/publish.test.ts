import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const alice = testKey('alice')
const bob = testKey('bob')
const nowS = () => Math.floor(Date.now() / 1000)
let relay: MemoryRelay
let client: RelayClient

beforeAll(async () => {
  relay = await startMemoryRelay()
})
afterAll(() => relay.stop())
beforeEach(async () => {
  client = await RelayClient.connect(relay.url)
  return () => client.close()
})

const note = (content: string, rest: { created_at?: number; kind?: number; tags?: string[][] } = {}) =>
  sign({ kind: 1, content, ...rest }, alice)

const ids = (events: readonly SignedEvent[]) => events.map((event) => event.id)

describe('an EVENT', () => {
  test('gets OK true once it is in the log, and the next REQ has it', async () => {
    const event = note('hello')
    expect(await client.publish(event)).toEqual({ id: event.id, accepted: true, message: '' })
    const keys = relay.kafka.records(TOPICS.events).map((record) => String(record.key))
    expect(keys).toContain(event.id)
    const other = await RelayClient.connect(relay.url)
    expect(ids((await other.req([{ ids: [event.id] }])).events)).toEqual([event.id])
    await other.close()
  })

  test('gets no OK while Kafka does not acknowledge it', async () => {
    const event = note('waiting for the broker')
    relay.kafka.setAvailable(false)
    client.sendMessage('EVENT', event)
    const answered = client.nextFrame(([verb]) => verb === 'OK')
    expect((await client.req([{ ids: [event.id] }])).events).toEqual([])
    expect(client.frames.some(([verb]) => verb === 'OK')).toBe(false)
    relay.kafka.setAvailable(true)
    expect(await answered).toEqual(['OK', event.id, true, ''])
  })

  test('that is known is a duplicate; sent twice at once it is in the log once', async () => {
    const event = note('twice')
    const answers = [client.publish(event), client.publish(event)]
    await Promise.all(answers)
    await until(() => client.frames.filter(([verb]) => verb === 'OK').length === 2, { what: 'two OKs' })
    const messages = client.frames.filter(([verb]) => verb === 'OK').map((frame) => frame[3])
    expect(messages).toEqual(['', 'duplicate: already have this event'])
    expect((await client.publish(event)).message).toBe('duplicate: already have this event')
    const copies = relay.kafka.records(TOPICS.events).filter(({ key }) => String(key) === event.id)
    expect(copies).toHaveLength(1)
  })

  test.each([
    ['signature', (event: SignedEvent) => ({ ...event, sig: 'a'.repeat(128) }), 'invalid: signature'],
    ['id', (event: SignedEvent) => ({ ...event, content: 'other' }), 'invalid: id'],
    ['tag', (event: SignedEvent) => ({ ...event, tags: [['t', null]] }), 'invalid: a tag'],
    ['kind', (event: SignedEvent) => ({ ...event, kind: 1.5 }), 'invalid: kind'],
    ['pubkey', (event: SignedEvent) => ({ ...event, pubkey: 'A'.repeat(64) }), 'invalid: pubkey'],
  ])('with a wrong %s is refused with its reason', async (_, spoil, reason) => {
    const answer = await client.publish(spoil(note('to be spoilt')) as SignedEvent)
    expect(answer.accepted).toBe(false)
    expect(answer.message.startsWith(reason)).toBe(true)
  })

  test('with a known id and other content is invalid, not a duplicate', async () => {
    const event = note('the real one')
    await client.publish(event)
    expect((await client.publish({ ...event, content: 'forged' })).message).toMatch(/^invalid: id/)
  })

  test.each([
    ['without an id', ['EVENT', { kind: 1 }]],
    ['with an uppercase id', ['EVENT', { ...note('x'), id: 'A'.repeat(64) }]],
    ['that is no object', ['EVENT', 'x']],
  ])('%s is answered with NOTICE', async (_, message) => {
    const notice = client.nextFrame(([verb]) => verb === 'NOTICE')
    client.send(JSON.stringify(message))
    expect((await notice)[1]).toMatch(/^invalid: /)
  })

  test.each([
    ['AUTH events', () => note('', { kind: 22242 })],
    ['HTTP auth events', () => note('', { kind: 27235 })],
    ['events of the far future', () => note('', { created_at: nowS() + 3600 })],
    ['expired events', () => note('', { tags: [['expiration', '1600000000']] })],
    ['gift wraps for nobody', () => note('', { kind: 1059, tags: [['p', 'nobody']] })],
  ])('%s are refused', async (_, make) => {
    const answer = await client.publish(make())
    expect(answer).toMatchObject({ accepted: false })
    expect(answer.message).toMatch(/^invalid: /)
  })

  test('old and slightly early events of unnamed kinds are taken', async () => {
    for (const event of [
      note('', { created_at: 0 }),
      note('', { created_at: nowS() + 60 }),
      note('', { kind: 45 }),
      note('', { kind: 40_000 }),
      note('', { kind: 65_535 }),
    ])
      expect(await client.publish(event)).toMatchObject({ accepted: true })
  })
})

describe('replaceable and addressable events', () => {
  const version = (created_at: number, content = '', d?: string) =>
    sign(
      { kind: d === undefined ? 0 : 30023, content, created_at, tags: d === undefined ? [] : [['d', d]] },
      bob,
    )

  test('an older version is refused, the current one is a duplicate, a newer one replaces it', async () => {
    const [first, second, third] = [version(1000), version(2000), version(3000)]
    expect(await client.publish(second)).toMatchObject({ accepted: true, message: '' })
    expect(await client.publish(first)).toMatchObject({
      accepted: false,
      message: 'duplicate: replaced, have newer event',
    })
    expect(await client.publish(second)).toMatchObject({
      accepted: true,
      message: 'duplicate: already have this event',
    })
    expect(await client.publish(third)).toMatchObject({ accepted: true, message: '' })
    expect(await client.publish(second)).toMatchObject({
      accepted: false,
      message: 'duplicate: replaced, have newer event',
    })
    expect(ids((await client.req([{ kinds: [0], authors: [bob.pubkey] }])).events)).toEqual([third.id])
  })

  test('of one second the lowest id wins', async () => {
    const tied = Array.from({ length: 5 }, (_, i) => version(5000, `tie ${i}`, 'tie'))
    const sorted = [...tied].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const event of [...sorted].reverse())
      expect(await client.publish(event)).toMatchObject({ accepted: true })
    for (const event of sorted.slice(1))
      expect(await client.publish(event)).toMatchObject({ accepted: false })
    expect(ids((await client.req([{ kinds: [30023], '#d': ['tie'] }])).events)).toEqual([sorted[0]?.id])
  })

  test('many versions at once: whatever their order, the newest one rules', async () => {
    const versions = Array.from({ length: 20 }, (_, i) => version(6000 + i, '', 'race'))
    const shuffled = [...versions].sort((a, b) => (a.id < b.id ? -1 : 1))
    await Promise.all(shuffled.map((event) => client.publish(event)))
    expect(ids((await client.req([{ kinds: [30023], '#d': ['race'] }])).events)).toEqual([versions[19]?.id])
  })
})

describe('ephemeral events', () => {
  test('reach subscribers and are stored nowhere', async () => {
    const other = await RelayClient.connect(relay.url)
    const subscription = other.subscribe([{ kinds: [20_001] }])
    await subscription.stored()
    const event = note('now or never', { kind: 20_001 })
    expect(await client.publish(event)).toMatchObject({ accepted: true, message: '' })
    expect((await subscription.next()).id).toBe(event.id)
    expect((await client.req([{ ids: [event.id] }])).events).toEqual([])
    const stored = relay.kafka.records(TOPICS.events).map((record) => String(record.key))
    expect(stored).not.toContain(event.id)
    expect(relay.kafka.records(TOPICS.ephemeral).map((record) => String(record.key))).toContain(event.id)
    await other.close()
  })
})

describe('NIP-70', () => {
  const guarded = (content: string) => sign({ kind: 1, content, tags: [['-']] }, alice)

  test('protected events need their author', async () => {
    expect((await client.publish(guarded('a'))).message).toMatch(/^auth-required: /)
    await client.auth(bob)
    expect((await client.publish(guarded('b'))).message).toMatch(/^restricted: /)
    await client.auth(alice)
    expect(await client.publish(guarded('c'))).toMatchObject({ accepted: true, message: '' })
  })

  test('a repost must not embed one', async () => {
    const inside = guarded('embedded')
    const repost = sign({ kind: 6, content: JSON.stringify(inside), tags: [['e', inside.id]] }, bob)
    expect((await client.publish(repost)).message).toMatch(/^blocked: /)
    const plain = sign({ kind: 6, content: JSON.stringify(note('plain "-"')) }, bob)
    expect(await client.publish(plain)).toMatchObject({ accepted: true })
  })
})
