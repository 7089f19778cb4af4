import { RelayClient, type SignedEvent, sign, signAuth, testKey } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const alice = testKey('alice')
const bob = testKey('bob')
const eve = testKey('eve')
const wrapper = testKey('one-time key')
let relay: MemoryRelay
let client: RelayClient

beforeAll(async () => {
  relay = await startMemoryRelay({
    env: { AUTHED_PUBKEYS_MAX: '2', RELAY_URL_ALIASES: 'wss://relay.example' },
  })
})
afterAll(() => relay.stop())
beforeEach(async () => {
  client = await RelayClient.connect(relay.url)
  return () => client.close()
})

const ids = (events: readonly SignedEvent[]) => events.map((event) => event.id).sort()

describe('AUTH', () => {
  test('proves several pubkeys, up to a bound', async () => {
    expect(await client.auth(alice)).toMatchObject({ accepted: true, message: '' })
    expect(await client.auth(bob)).toMatchObject({ accepted: true })
    expect(await client.auth(alice)).toMatchObject({ accepted: true })
    expect((await client.auth(eve)).message).toMatch(/^restricted: /)
  })

  test.each([
    ['its URL', () => relay.url, true],
    ['its URL with a slash', () => `${relay.url}/`, true],
    ['another spelling of this machine', () => `ws://localhost:${relay.port}`, true],
    ['an alias', () => 'wss://relay.example/', true],
    ['another relay', () => 'wss://evil.example', false],
    ['no URL', () => 'relay', false],
  ])('that names %s', async (_, relayUrl, accepted) => {
    expect((await client.auth(alice, { relayUrl: relayUrl() })).accepted).toBe(accepted)
  })

  test.each([
    ['an old challenge', (event: SignedEvent) => event, 'x'],
    ['a wrong signature', (event: SignedEvent) => ({ ...event, sig: '1'.repeat(128) }), null],
    ['a wrong shape', (event: SignedEvent) => ({ ...event, kind: '22242' as unknown as number }), null],
  ])('with %s is answered with OK false', async (_, change, challenge) => {
    const event = change(signAuth(challenge ?? (await client.challenge()), relay.url, alice))
    const answer = client.nextFrame(([verb]) => verb === 'OK')
    client.sendMessage('AUTH', event)
    expect((await answer).slice(0, 3)).toEqual(['OK', event.id, false])
  })

  test('that is dated far off is refused', async () => {
    const tags = [
      ['relay', relay.url],
      ['challenge', await client.challenge()],
    ]
    const created_at = Math.floor(Date.now() / 1000) - 700
    const event = sign({ kind: 22242, tags, created_at }, alice)
    const answer = client.nextFrame(([verb]) => verb === 'OK')
    client.sendMessage('AUTH', event)
    expect((await answer)[2]).toBe(false)
  })

  test('holds back the frames behind it: a REQ right after it is authenticated', async () => {
    const event = signAuth(await client.challenge(), relay.url, alice)
    const answer = client.nextFrame(([verb, id]) => id === 'mail' && verb !== 'EVENT')
    client.sendMessage('AUTH', event)
    client.sendMessage('REQ', 'mail', { kinds: [4] })
    expect((await answer)[0]).toBe('EOSE')
  })
})

describe('private events', () => {
  const message = (kind: number, author = alice, readers = [bob]) =>
    sign({ kind, content: `private ${kind}`, tags: readers.map((key) => ['p', key.pubkey]) }, author)
  const direct = message(4)
  const wrap = message(1059, wrapper)
  const seal = sign({ kind: 13, content: 'sealed' }, alice)
  const file = message(15)
  const open = sign({ kind: 1, content: 'public' }, alice)

  beforeAll(async () => {
    const publisher = await RelayClient.connect(relay.url)
    for (const event of [direct, wrap, seal, file, open]) await publisher.publish(event)
    await publisher.close()
  })

  const readBy = async (...keys: (typeof alice)[]) => {
    for (const key of keys) await client.auth(key)
    return ids((await client.req([{}])).events)
  }

  test('are only read by those they concern; wider filters leave them out silently', async () => {
    expect(await readBy()).toEqual(ids([open]))
    expect(await readBy(eve)).toEqual(ids([open]))
    expect(await readBy(bob)).toEqual(ids([open, direct, wrap, file]))
  })

  test('their author reads them where the kind allows it', async () => {
    expect(await readBy(alice)).toEqual(ids([open, direct, seal, file]))
    expect(await readBy(wrapper)).not.toContain(wrap.id)
  })

  test('asked for alone without AUTH they are refused; with it, by a stranger, there are none', async () => {
    for (const kinds of [[4], [1059], [13, 14, 15, 21059]])
      expect((await client.req([{ kinds }])).closed).toMatch(/^auth-required: /)
    expect((await client.req([{ kinds: [4] }, { kinds: [1] }])).closed).toBeNull()
    await client.auth(eve)
    expect(await client.req([{ kinds: [4, 1059] }])).toEqual({ events: [], closed: null })
  })

  test('live they come to whom they concern, from the moment of AUTH', async () => {
    const bobs = await RelayClient.connect(relay.url)
    const late = bobs.subscribe([{ since: open.created_at + 1 }], 'late')
    const strangers = client.subscribe([{}], 'stranger')
    await Promise.all([late.stored(), strangers.stored()])
    strangers.takeAll()
    late.takeAll()
    const later = open.created_at + 1
    const unseen = sign({ kind: 4, tags: [['p', bob.pubkey]], created_at: later }, alice)
    await client.publish(unseen)
    await client.publish(sign({ kind: 1, content: 'public 1', created_at: later }, alice))
    expect((await late.next()).content).toBe('public 1')
    await bobs.auth(bob)
    const fleeting = sign({ kind: 21059, tags: [['p', bob.pubkey]], created_at: later }, wrapper)
    const seen = sign({ kind: 1059, tags: [['p', bob.pubkey]], created_at: later }, wrapper)
    await client.publish(fleeting)
    await client.publish(seen)
    expect(ids(await late.take(2))).toEqual(ids([fleeting, seen]))
    await client.publish(sign({ kind: 1, content: 'public 2', created_at: later }, alice))
    expect((await strangers.take(2)).map((event) => event.content)).toEqual(['public 1', 'public 2'])
    await bobs.close()
  })
})
