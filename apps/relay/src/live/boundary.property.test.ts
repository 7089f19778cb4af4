import { RelayClient, type RelaySubscription, sign, testKey } from '@millrace/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

let relay: MemoryRelay
beforeAll(async () => {
  relay = await startMemoryRelay()
})
afterAll(() => relay.stop())

const EVENTS = 60
const authors = [1, 2, 3, 4].map((seed) => testKey(`boundary ${seed}`))

test('around EOSE no event is lost and none comes twice, while four clients publish', async () => {
  let run = 0
  const plan = fc.record({
    delays: fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
    gateTicks: fc.nat(10),
  })
  await fc.assert(
    fc.asyncProperty(plan, async ({ delays, gateTicks }) => {
      const tag = `run ${++run}`
      const publishers = await Promise.all(authors.map(() => RelayClient.connect(relay.url)))
      const reader = await RelayClient.connect(relay.url)
      const events = Array.from({ length: EVENTS }, (_, i) => {
        const key = authors[i % authors.length] ?? testKey(0)
        return sign({ kind: 1, content: `${i}`, tags: [['t', tag]], created_at: 1000 + (i % 7) }, key)
      })
      const published = Promise.all(
        events.map((event, i) => publishers[i % publishers.length]?.publish(event) ?? Promise.reject()),
      )
      const subscriptions: RelaySubscription[] = []
      for (const delay of delays) {
        for (let tick = 0; tick < delay * 3; tick++) await new Promise(setImmediate)
        relay.store.gate = ticks(gateTicks)
        subscriptions.push(reader.subscribe([{ '#t': [tag] }]))
      }
      for (const answer of await published) expect(answer).toMatchObject({ accepted: true, message: '' })
      for (const subscription of subscriptions) {
        const received = (await subscription.take(EVENTS)).map((event) => event.id)
        expect(new Set(received)).toEqual(new Set(events.map((event) => event.id)))
      }
      const last = sign({ kind: 1, content: 'last', tags: [['t', tag]] }, testKey('last'))
      await publishers[0]?.publish(last)
      for (const subscription of subscriptions) {
        expect((await subscription.next()).id).toBe(last.id)
        expect(subscription.eoseCount).toBe(1)
      }
      for (const client of [...publishers, reader]) await client.close()
    }),
    { numRuns: 25 },
  )
}, 120_000)

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await new Promise(setImmediate)
}
