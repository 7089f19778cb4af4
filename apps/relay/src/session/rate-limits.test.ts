import { RelayClient, type SignedEvent, sign, testKey } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const alice = testKey('alice')
const clock = { nowMs: 0 }
let relay: MemoryRelay
let addresses = 0

beforeAll(async () => {
  relay = await startMemoryRelay({
    env: {
      TRUSTED_PROXIES: 'loopback',
      EVENTS_PER_ADDRESS_PER_S: '2',
      EVENTS_PER_ADDRESS_BURST: '3',
      REQS_PER_ADDRESS_PER_S: '1',
      REQS_PER_ADDRESS_BURST: '2',
      AUTHS_PER_ADDRESS_PER_S: '1',
      AUTHS_PER_ADDRESS_BURST: '1',
    },
    monotonicMs: () => clock.nowMs,
  })
})
afterAll(() => relay.stop())

/** A client of an address that nobody used before. */
let address: string
let client: RelayClient
const connect = (from: string) => RelayClient.connect(relay.url, { headers: { 'x-forwarded-for': from } })
beforeEach(async () => {
  address = `203.0.113.${++addresses}`
  client = await connect(address)
  return () => client.close()
})

let notes = 0
const note = () => sign({ kind: 1, content: `note ${notes++}` }, alice)
const forged = (event: SignedEvent): SignedEvent => ({ ...event, sig: 'a'.repeat(128) })
const metric = async (line: string) => {
  const found = (await relay.metrics.expose()).split('\n').find((text) => text.startsWith(line))
  return Number(found?.split(' ').at(-1) ?? 0)
}

describe('EVENTs', () => {
  test('above the rate are refused with how much is allowed and when to try again', async () => {
    for (let i = 0; i < 3; i++) expect(await client.publish(note())).toMatchObject({ accepted: true })
    const late = note()
    expect(await client.publish(late)).toEqual({
      id: late.id,
      accepted: false,
      message: 'rate-limited: at most 2 EVENTs a second from one address, 3 at once; try again in 1 s',
    })
    const keys = relay.kafka.records(TOPICS.events).map(({ key }) => String(key))
    expect(keys).not.toContain(late.id)
    clock.nowMs += 500
    expect(await client.publish(late)).toMatchObject({ accepted: true, message: '' })
    expect((await client.publish(note())).message).toMatch(/^rate-limited: /)
  })

  test('above the rate cost no check of id or signature', async () => {
    for (let i = 0; i < 3; i++) await client.publish(note())
    const checked = () => metric('verifier_checked_total')
    const refused = () => metric('relay_events_refused_total{code="rate-limited"')
    const [checkedBefore, refusedBefore] = [await checked(), await refused()]
    for (const event of [forged(note()), { ...note(), content: 'other' }])
      expect((await client.publish(event)).message).toMatch(/^rate-limited: /)
    expect(await checked()).toBe(checkedBefore)
    expect(await refused()).toBe(refusedBefore + 2)
  })

  test('that are refused for other reasons count as well', async () => {
    for (let i = 0; i < 3; i++) expect((await client.publish(forged(note()))).message).toMatch(/^invalid: /)
    expect((await client.publish(note())).message).toMatch(/^rate-limited: /)
  })

  test('without an id are answered by a NOTICE', async () => {
    for (let i = 0; i < 3; i++) await client.publish(note())
    const notice = client.nextFrame(([verb]) => verb === 'NOTICE')
    client.sendMessage('EVENT', {})
    expect((await notice)[1]).toMatch(/^rate-limited: /)
  })

  test('of all connections of an address count together, those of other addresses do not', async () => {
    const [neighbour, stranger] = await Promise.all([connect(address), connect('198.51.100.1')])
    for (const by of [client, neighbour, client]) await by.publish(note())
    expect((await neighbour.publish(note())).message).toMatch(/^rate-limited: /)
    expect(await stranger.publish(note())).toMatchObject({ accepted: true })
    await Promise.all([neighbour.close(), stranger.close()])
  })

  test('count on after a reconnect', async () => {
    for (let i = 0; i < 3; i++) await client.publish(note())
    await client.close()
    client = await connect(address)
    expect((await client.publish(note())).message).toMatch(/^rate-limited: /)
  })

  test('of exempt addresses are not counted', async () => {
    const own = await RelayClient.connect(relay.url)
    for (let i = 0; i < 10; i++) expect(await own.publish(note())).toMatchObject({ accepted: true })
    await own.close()
  })
})

describe('queries', () => {
  const REFUSAL = 'rate-limited: at most 1 queries a second from one address, 2 at once; try again in 1 s'

  test('above the rate are CLOSED, REQ and COUNT counting together', async () => {
    expect((await client.req([{ kinds: [1] }])).closed).toBeNull()
    await client.count([{ kinds: [1] }])
    expect((await client.req([{ kinds: [1] }])).closed).toBe(REFUSAL)
    expect(await client.count([{ kinds: [1] }])).toEqual({ closed: REFUSAL })
    clock.nowMs += 1_000
    expect((await client.req([{ kinds: [1] }])).closed).toBeNull()
  })

  test('a refused REQ ends the open subscription of its id, as every REQ does', async () => {
    await client.subscribe([{ kinds: [1] }], 'feed').stored()
    const open = relay.edge.fanout.size
    await client.req([{ kinds: [1] }])
    expect(await client.subscribe([{ kinds: [7] }], 'feed').stored()).toBe(REFUSAL)
    expect(relay.edge.fanout.size).toBe(open - 1)
  })

  test('subscriptions go on without counting', async () => {
    const subscription = client.subscribe([{ kinds: [1], since: 0 }])
    await subscription.stored()
    subscription.takeAll()
    await client.req([{ kinds: [1] }])
    expect((await client.req([{ kinds: [1] }])).closed).toBe(REFUSAL)
    const event = note()
    await client.publish(event)
    expect((await subscription.next()).id).toBe(event.id)
  })
})

test('AUTHs above the rate are answered OK false, and prove nothing', async () => {
  expect(await client.auth(alice)).toMatchObject({ accepted: true })
  const again = await client.auth(testKey('bob'))
  expect(again.accepted).toBe(false)
  expect(again.message).toBe(
    'rate-limited: at most 1 AUTHs a second from one address, 1 at once; try again in 1 s',
  )
  expect(await metric('relay_rate_limited_total{what="auth"')).toBe(1)
})
