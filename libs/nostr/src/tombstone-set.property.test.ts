import {
  arbitraryEvent,
  arbitraryTombstone,
  NaiveRelay,
  type NaiveTombstone,
  type SignedEvent,
  unsigned,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf, type Tombstone, TombstoneSet } from './index.ts'

const arbitraryScene = fc
  .array(arbitraryEvent(), { minLength: 1, maxLength: 12 })
  .chain((events) => fc.tuple(fc.constant(events), fc.array(arbitraryTombstone(events), { maxLength: 12 })))

const setOf = (tombstones: readonly Tombstone[]) => {
  const set = new TombstoneSet()
  for (const tombstone of tombstones) set.apply(tombstone)
  return set
}

const answers = (set: TombstoneSet, events: readonly SignedEvent[]) =>
  events.map((event) => ({
    covered: set.covers(event),
    below: set.isBelowFloor(event),
    floor: set.floorOf(addressOf(event) ?? ''),
  }))

test('covers and holds down exactly what the naive model does', () => {
  const counts = { covered: 0, below: 0, free: 0 }
  fc.assert(
    fc.property(arbitraryScene, ([events, tombstones]) => {
      const set = setOf(tombstones)
      for (const event of events) {
        expect(set.covers(event)).toBe(NaiveRelay.isErased(tombstones, event))
        expect(set.isBelowFloor(event)).toBe(NaiveRelay.isHeldDown(tombstones, event))
        if (!set.mayErase(event)) expect([set.covers(event), set.isBelowFloor(event)]).toEqual([false, false])
        counts.free += Number(!set.mayErase(event))
        counts.covered += Number(set.covers(event))
        counts.below += Number(set.isBelowFloor(event))
      }
    }),
    { numRuns: 2000 },
  )
  expect(counts.covered).toBeGreaterThan(500)
  expect(counts.below).toBeGreaterThan(100)
  expect(counts.free).toBeGreaterThan(100)
})

test('the order of records and their repetition change nothing', () => {
  const arbitraryOrders = arbitraryScene.chain(([events, tombstones]) =>
    fc.tuple(
      fc.constant(events),
      fc.constant(tombstones),
      fc.shuffledSubarray([...tombstones, ...tombstones], { minLength: tombstones.length * 2 }),
    ),
  )
  fc.assert(
    fc.property(arbitraryOrders, ([events, tombstones, shuffled]) => {
      const once = setOf(tombstones)
      const again = setOf(shuffled)
      expect(answers(again, events)).toEqual(answers(once, events))
      expect(again.size).toBe(once.size)
      expect(again.sizeBytesEstimate).toBe(once.sizeBytesEstimate)
    }),
  )
})

const author = 'a'.repeat(64)
const stranger = 'b'.repeat(64)
const recipient = 'c'.repeat(64)

const tombstone = (target: NaiveTombstone['target'], change: Partial<NaiveTombstone> = {}): Tombstone => ({
  author,
  requestId: 'd'.repeat(64),
  requestCreatedAt: 10,
  target,
  floor: null,
  reason: 'deletion',
  recordedAtMs: 10_000,
  ...change,
})

test('a stranger erases nothing, by id, address, key or floor', () => {
  const event = unsigned({ kind: 30_023, created_at: 5, tags: [['d', 'x']] }, author)
  const address = { kind: 30_023, pubkey: author, d: 'x' }
  const set = setOf([
    tombstone({ type: 'event', id: event.id }, { author: stranger }),
    tombstone({ type: 'address', ...address, untilS: 10 }, { author: stranger }),
    tombstone({ type: 'pubkey', pubkey: author, untilS: 10 }, { author: stranger, reason: 'vanish' }),
    tombstone(
      { type: 'event', id: 'e'.repeat(64) },
      { author: stranger, floor: { ...address, createdAt: 9, id: null } },
    ),
  ])
  expect(set.covers(event)).toBe(false)
  expect(set.isBelowFloor(event)).toBe(false)
})

test('the recipient of a gift wrap erases it, in any of its valid p tags', () => {
  const tags = [
    ['p', stranger],
    ['p', recipient],
  ]
  const wrap = unsigned({ kind: 1059, created_at: 5, tags }, author)
  const note = unsigned({ kind: 1, created_at: 5, tags }, author)
  const byId = setOf([wrap, note].map(({ id }) => tombstone({ type: 'event', id }, { author: recipient })))
  const byKey = setOf([
    tombstone({ type: 'pubkey', pubkey: recipient, untilS: 5 }, { author: recipient, reason: 'vanish' }),
  ])
  for (const set of [byId, byKey]) expect([set.covers(wrap), set.covers(note)]).toEqual([true, false])
})

test('a deletion reaches neither deletions nor requests to vanish; vanishing reaches deletions', () => {
  const deletion = unsigned({ kind: 5, created_at: 5 }, author)
  const vanish = unsigned({ kind: 62, created_at: 5 }, author)
  const deleted = setOf([deletion, vanish].map(({ id }) => tombstone({ type: 'event', id })))
  expect([deleted.covers(deletion), deleted.covers(vanish)]).toEqual([false, false])
  const vanished = setOf([tombstone({ type: 'pubkey', pubkey: author, untilS: 5 }, { reason: 'vanish' })])
  expect([vanished.covers(deletion), vanished.covers(vanish)]).toEqual([true, false])
})

test('bounds are inclusive and only rise', () => {
  const at = (created_at: number) => unsigned({ kind: 30_023, created_at, tags: [['d', 'x']] }, author)
  const address = { type: 'address' as const, kind: 30_023, pubkey: author, d: 'x' }
  const set = setOf([tombstone({ ...address, untilS: 7 }), tombstone({ ...address, untilS: 3 })])
  expect([set.covers(at(7)), set.covers(at(8))]).toEqual([true, false])
  expect(set.floorOf(`30023:${author}:x`)).toEqual({
    kind: 30_023,
    pubkey: author,
    d: 'x',
    createdAt: 7,
    id: null,
  })
})

test('a floor at a version holds down that version, its ties with higher ids and all before, not a winner of the tie', () => {
  const versions = ['one', 'two', 'three', 'four'].map((content) =>
    unsigned({ kind: 0, created_at: 5, content }, author),
  )
  versions.sort((a, b) => (a.id < b.id ? -1 : 1))
  const middle = versions[1]
  if (middle === undefined) throw new Error('no middle')
  const floor = { kind: 0, pubkey: author, d: '', createdAt: 5, id: middle.id }
  const set = setOf([tombstone({ type: 'event', id: middle.id }, { floor })])
  expect(versions.map((version) => set.isBelowFloor(version))).toEqual([false, true, true, true])
  expect(set.isBelowFloor(unsigned({ kind: 0, created_at: 4 }, author))).toBe(true)
  expect(set.isBelowFloor(unsigned({ kind: 0, created_at: 6 }, author))).toBe(false)
})

test('of floors in one second the lowest id bounds most, and all ids more than any', () => {
  const floorAt = (id: string | null) => ({ kind: 0, pubkey: author, d: '', createdAt: 5, id })
  const at = (id: string | null, requestId: string) =>
    tombstone({ type: 'event', id: requestId }, { requestId, floor: floorAt(id) })
  const low = at('1'.repeat(64), 'a'.repeat(64))
  const high = at('2'.repeat(64), 'b'.repeat(64))
  const all = at(null, 'c'.repeat(64))
  for (const order of [
    [low, high],
    [high, low],
  ])
    expect(setOf(order).floorOf(`0:${author}:`)?.id).toBe('1'.repeat(64))
  for (const order of [
    [low, all],
    [all, low],
  ])
    expect(setOf(order).floorOf(`0:${author}:`)?.id).toBeNull()
})

test('the size says how much is held', () => {
  const set = setOf([])
  expect([set.size, set.sizeBytesEstimate]).toEqual([0, 0])
  for (let index = 0; index < 100; index++)
    set.apply(tombstone({ type: 'event', id: index.toString(16).padStart(64, '0') }))
  expect(set.size).toBe(100)
  expect(set.sizeBytesEstimate).toBeGreaterThan(100 * 64)
})
