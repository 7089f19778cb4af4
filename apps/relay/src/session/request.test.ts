import { LIMITS } from '@millrace/kernel'
import { type Frame, RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const author = testKey('author')
const TIMES_S = [3000, 1000, 2000, 2000, 2000]
describe.each(['on', 'off'] as const)('with the serving view %s', (view) => {
  let relay: MemoryRelay
  let client: RelayClient
  let notes: SignedEvent[]

  beforeAll(async () => {
    relay = await startMemoryRelay({ env: { SERVING_VIEW: view } })
    const publisher = await RelayClient.connect(relay.url)
    notes = TIMES_S.map((created_at, i) => sign({ kind: 1, content: `note ${i}`, created_at }, author))
    for (const event of notes) await publisher.publish(event)
    await publisher.close()
  })
  afterAll(() => relay.stop())
  beforeEach(async () => {
    client = await RelayClient.connect(relay.url)
    return () => client.close()
  })

  const served = (events: readonly SignedEvent[]) =>
    [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)).map((event) => event.id)
  const ids = (events: readonly SignedEvent[]) => events.map((event) => event.id)
  const framesOf = (id: string): Frame[] => client.frames.filter((frame) => frame[1] === id)

  /** Every frame caused so far has arrived once an unrelated answer has. */
  const settle = async () => void (await client.req([{ ids: ['0'.repeat(64)] }]))

  describe('stored events', () => {
    test('come newest first, ties by the lower id, then EOSE once', async () => {
      const subscription = client.subscribe([{ kinds: [1], authors: [author.pubkey] }])
      expect(await subscription.stored()).toBeNull()
      expect(ids(subscription.takeAll())).toEqual(served(notes))
      await settle()
      expect(subscription.eoseCount).toBe(1)
    })

    test('are cut at each filter’s own limit, and come once when several filters match', async () => {
      const filter = { kinds: [1], authors: [author.pubkey] }
      expect(ids((await client.req([{ ...filter, limit: 2 }])).events)).toEqual(served(notes).slice(0, 2))
      const both = await client.req([filter, { ...filter, limit: 1 }, { ids: ids(notes) }])
      expect(ids(both.events)).toEqual(served(notes))
    })

    test('since and until are inclusive, and until 0 is a bound', async () => {
      const between = await client.req([{ authors: [author.pubkey], since: 2000, until: 2000 }])
      expect(ids(between.events)).toEqual(served(notes.filter((event) => event.created_at === 2000)))
      expect((await client.req([{ authors: [author.pubkey], until: 0 }])).events).toEqual([])
    })
  })

  describe('a subscription', () => {
    test('limit 0 gives EOSE, then live events, and live events know no limit', async () => {
      const subscription = client.subscribe([{ kinds: [7], limit: 0 }])
      await subscription.stored()
      expect(subscription.takeAll()).toEqual([])
      const live = [1, 2, 3].map((i) => sign({ kind: 7, content: `+${i}` }, author))
      for (const event of live) await client.publish(event)
      expect(ids(await subscription.take(3)).sort()).toEqual(ids(live).sort())
    })

    // With a view the answer is sent within the turn that reads the REQ.
    if (view === 'off')
      test('a REQ on an open id replaces it, and no frame of the old query follows', async () => {
        let open = () => {}
        relay.store.gate = new Promise((resolve) => {
          open = resolve
        })
        client.sendMessage('REQ', 'x', { kinds: [1], authors: [author.pubkey] })
        await settleBehindGate()
        relay.store.gate = null
        client.sendMessage('REQ', 'x', { ids: [notes[1]?.id] })
        await client.nextFrame(([verb, id]) => verb === 'EOSE' && id === 'x')
        open()
        await settle()
        expect(framesOf('x').map(([verb]) => verb)).toEqual(['EVENT', 'EOSE'])
        const live = sign({ kind: 1, content: 'for the old filter' }, author)
        await client.publish(live)
        await settle()
        expect(framesOf('x')).toHaveLength(2)
      })

    // With a view the answer is sent within the turn that reads the REQ.
    if (view === 'off')
      test('CLOSE while stored events are read: nothing follows, not even EOSE', async () => {
        let open = () => {}
        relay.store.gate = new Promise((resolve) => {
          open = resolve
        })
        client.sendMessage('REQ', 'y', { kinds: [1] })
        client.sendMessage('CLOSE', 'y')
        await settleBehindGate()
        relay.store.gate = null
        open()
        await settle()
        expect(framesOf('y')).toEqual([])
      })

    test('after CLOSE no live event follows', async () => {
      const subscription = client.subscribe([{ kinds: [8] }], 'z')
      await subscription.stored()
      subscription.close()
      await client.publish(sign({ kind: 8 }, author))
      await settle()
      expect(framesOf('z').map(([verb]) => verb)).toEqual(['EOSE'])
    })

    /** A frame that needs no store shows that those before it were handled. */
    const settleBehindGate = async () => {
      const notice = client.nextFrame(([verb]) => verb === 'NOTICE')
      client.send('[]')
      await notice
    }
  })

  describe('what is refused', () => {
    const closed = async (...message: unknown[]) => {
      const answer = client.nextFrame(([verb]) => verb === 'CLOSED' || verb === 'NOTICE')
      client.send(JSON.stringify(message))
      return await answer
    }

    test.each([
      ['a REQ without filters', ['REQ', 'a'], 'CLOSED', /^invalid: /],
      ['a filter that is no object', ['REQ', 'a', 1], 'CLOSED', /^invalid: /],
      ['a filter with short ids', ['REQ', 'a', { ids: ['abc'] }], 'CLOSED', /^invalid: /],
      ['too many filters', ['REQ', 'a', ...Array(21).fill({})], 'CLOSED', /^invalid: /],
      ['too long lists', ['REQ', 'a', { kinds: Array(5001).fill(1) }], 'CLOSED', /^invalid: /],
      ['COUNT', ['COUNT', 'a', {}], 'CLOSED', /^error: /],
      ['COUNT without filters', ['COUNT', 'a'], 'CLOSED', /^invalid: /],
    ])('%s', async (_, message, verb, reason) => {
      const answer = await closed(...message)
      expect(answer.slice(0, 2)).toEqual([verb, 'a'])
      expect(answer[2]).toMatch(reason)
    })

    test.each([
      ['subscription ids of more than 64 characters', ['REQ', 'x'.repeat(65), {}]],
      ['empty subscription ids', ['REQ', '', {}]],
      ['unknown verbs', ['HELLO', 'a']],
      ['things that are no message', {}],
    ])('%s get a NOTICE', async (_, message) => {
      const notice = client.nextFrame(([verb]) => verb === 'NOTICE')
      client.send(JSON.stringify(message))
      expect((await notice)[1]).toMatch(/^invalid: /)
    })

    test('more subscriptions than allowed; a free place is given again', async () => {
      const max = LIMITS.subscriptionsPerConnectionMax
      for (let i = 0; i < max; i++) client.sendMessage('REQ', `s${i}`, { ids: ['0'.repeat(64)] })
      expect((await closed('REQ', 'one more', {}))[2]).toMatch(/^error: /)
      client.sendMessage('CLOSE', 's0')
      expect(await client.subscribe([{ kinds: [1] }], 'fits').stored()).toBeNull()
    })

    test('a refused REQ ends the subscription of its id', async () => {
      await client.subscribe([{ kinds: [9] }], 'w').stored()
      await closed('REQ', 'w', { ids: 1 })
      await client.publish(sign({ kind: 9 }, author))
      await settle()
      expect(framesOf('w').map(([verb]) => verb)).toEqual(['EOSE', 'CLOSED'])
    })

    // With a view the answer is sent within the turn that reads the REQ.
    if (view === 'off')
      test('a REQ while the store is away is closed with error, and publishing goes on', async () => {
        relay.store.isAway = true
        expect((await client.req([{ kinds: [1] }])).closed).toMatch(/^error: /)
        expect(await client.publish(sign({ kind: 1, content: 'away' }, author))).toMatchObject({
          accepted: true,
        })
        relay.store.isAway = false
        await until(async () => (await client.req([{ kinds: [1] }])).closed === null, {
          what: 'the store is back',
        })
      })
  })
})
