import { encodeTombstone, tombstoneKey } from '@millrace/codec'
import { ManualClock, unwrap } from '@millrace/kernel'
import {
  arbitraryFilter,
  arbitraryHistory,
  arbitraryTombstone,
  EPOCH_S,
  NaiveRelay,
  type NaiveTombstone,
  type NaiveVerdict,
  type OkFrame,
  RelayClient,
  type SignedEvent,
  SPAN_S,
  sign,
  testKey,
  type WireFilter,
} from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endsOf } from '../live/ends-of.ts'
import { type MemoryRelay, memoryLog, PARTITIONS, startMemoryRelay } from '../testing/memory-relay.ts'

const ENV = { RELAY_URL_ALIASES: 'wss://relay.example' }
const NOW_S = EPOCH_S + SPAN_S / 2
const keys = new Map(['a', 'b', 'c', 'd'].map((seed) => [testKey(seed).pubkey, testKey(seed)]))

/** The same event, signed: arbitraries leave that out. */
const signed = (event: SignedEvent): SignedEvent => sign(event, keys.get(event.pubkey) ?? testKey('a'))

type Step = { readonly event: SignedEvent } | { readonly tombstone: NaiveTombstone }

const scenario = arbitraryHistory({ maxLength: 15 })
  .filter((events) => events.length > 0)
  .chain((events) =>
    fc.record({
      events: fc.constant(events),
      tombstones: fc.array(fc.tuple(fc.nat(events.length), arbitraryTombstone(events)), { maxLength: 5 }),
      filters: fc.array(arbitraryFilter(events), { minLength: 1, maxLength: 6 }),
    }),
  )
  .map(({ events, tombstones, filters }) => {
    const steps: Step[] = events.map((event) => ({ event: signed(event) }))
    for (const [at, tombstone] of tombstones) steps.splice(at, 0, { tombstone })
    return { steps, filters: filters.map((filter): WireFilter => ({ ...filter })), naiveFilters: filters }
  })

const OK: Readonly<Record<NaiveVerdict, RegExp>> = {
  stored: /^true $/,
  // The model keeps no ephemeral event, so that it does not know a second copy.
  'passed-on': /^true (duplicate: already have this event)?$/,
  duplicate: /^true duplicate: already have this event$/,
  superseded: /^false duplicate: replaced, have newer event$/,
  deleted: /^false blocked: deleted$/,
  expired: /^false invalid: event has expired$/,
  'auth-required': /^false auth-required: /,
  restricted: /^false restricted: /,
  'kind-refused': /^false invalid: kind /,
  'owner-missing': /^false invalid: gift wrap /,
  'deletes-others': /^false invalid: nothing that this names /,
  'vanish-malformed': /^false invalid: a request to vanish /,
}

const textOf = ({ accepted, message }: OkFrame) => `${accepted} ${message}`

async function erase(relay: MemoryRelay, tombstone: NaiveTombstone): Promise<void> {
  const producer = await relay.kafka.producer({ lingerMs: 0 })
  const partition = partitionOfOwner(tombstone.author, PARTITIONS)
  const value = encodeTombstone(tombstone)
  const key = tombstoneKey(tombstone)
  unwrap(await producer.append({ topic: TOPICS.tombstones, partition, key, value }))
  await producer.close()
  const ends = await endsOf(relay.kafka, TOPICS.tombstones)
  await relay.edge.positions.reached(TOPICS.tombstones, ends, AbortSignal.timeout(10_000))
}

test('random histories: every OK and every REQ is that of the naive relay, also after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ steps, filters, naiveFilters }) => {
      const clock = new ManualClock(NOW_S * 1000)
      const kafka = await memoryLog(clock)
      const naive = new NaiveRelay({ honoursDeletions: true, relayUrls: ['wss://relay.example'] })
      const relay = await startMemoryRelay({ kafka, clock, env: ENV })
      const client = await RelayClient.connect(relay.url)
      for (const step of steps) {
        if ('event' in step && step.event.kind === 5 && naive.owners(step.event, NOW_S) === 'unsure') continue
        if ('event' in step) {
          const verdict = naive.admit(step.event, NOW_S)
          expect(textOf(await client.publish(step.event))).toMatch(OK[verdict])
        } else {
          naive.tombstone(step.tombstone)
          await erase(relay, step.tombstone)
        }
      }
      const expected = naive.query(naiveFilters, NOW_S).map((event) => event.id)
      expect((await client.req(filters)).events.map((event) => event.id)).toEqual(expected)
      await client.close()
      await relay.stop()
      const again = await startMemoryRelay({ kafka, clock, env: ENV })
      const reader = await RelayClient.connect(again.url)
      expect((await reader.req(filters)).events.map((event) => event.id)).toEqual(expected)
      await reader.close()
      await again.stop()
      expect([...relay.faults, ...again.faults]).toEqual([])
    }),
    { numRuns: 60 },
  )
}, 180_000)
