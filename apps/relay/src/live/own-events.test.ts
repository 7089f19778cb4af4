import { setImmediate as nextTurn } from 'node:timers/promises'
import { ManualClock } from '@millrace/kernel'
import { type Filter, type Tombstone, TombstoneSet } from '@millrace/nostr'
import { createMetrics } from '@millrace/observability'
import { sign, testKey } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { Fanout } from './fanout.ts'
import { LogPositions } from './log-positions.ts'
import { OwnEvents } from './own-events.ts'

const NOW_S = 1_800_000_000
const EVERYTHING: Filter = { tags: {} }
const alice = testKey('own events')

function edge() {
  const positions = new LogPositions()
  positions.advance(TOPICS.events, 0, 100)
  const fanout = new Fanout(1_000, createMetrics('relay'))
  const tombstones = new TombstoneSet()
  const delivered: string[] = []
  const clock = new ManualClock(NOW_S * 1_000)
  const own = new OwnEvents({ fanout, tombstones, positions, clock, partitionCount: 5, recentIdsMax: 1_000 })
  const subscribe = () => fanout.add({ deliver: ({ event }) => delivered.push(event.content) }, [EVERYTHING])
  const event = (content: string, kind = 1, tags: string[][] = []) =>
    sign({ kind, content, created_at: NOW_S, tags }, alice)
  const take = (signed: ReturnType<typeof event>, offset = 100) =>
    own.take({ event: signed, json: JSON.stringify(signed), partition: 0, offset })
  return { fanout, tombstones, delivered, subscribe, event, take }
}

test('an event is passed on once, after those that wait for the same append', async () => {
  const { fanout, delivered, subscribe, event, take } = edge()
  subscribe()
  const events = ['a', 'b'].map((content) => event(content))
  for (const own of events) take(own)
  expect(delivered).toEqual([])
  await nextTurn()
  for (const own of events) fanout.deliver(own, () => JSON.stringify(own))
  expect(delivered).toEqual(['a', 'b'])
})

test('versions are left to the reader of the log, as is everything while it is far behind', async () => {
  const { delivered, subscribe, event, take } = edge()
  subscribe()
  take(event('version', 10_002))
  take(event('far ahead'), 201)
  take(event('near'), 200)
  await nextTurn()
  expect(delivered).toEqual(['near'])
})

test('what a tombstone has reached meanwhile is not passed on, nor what is past its expiration', async () => {
  const { tombstones, delivered, subscribe, event, take } = edge()
  subscribe()
  const erased = event('erased')
  take(erased)
  take(event('expired', 1, [['expiration', `${NOW_S}`]]))
  const tombstone: Tombstone = {
    author: erased.pubkey,
    requestId: 'd'.repeat(64),
    requestCreatedAt: NOW_S,
    target: { type: 'event', id: erased.id },
    floor: null,
    reason: 'deletion',
    recordedAtMs: 1,
  }
  tombstones.apply(tombstone)
  await nextTurn()
  expect(delivered).toEqual([])
})
