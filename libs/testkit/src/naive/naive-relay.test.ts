import { expect, test } from 'vitest'
import { NaiveRelay, testKey, unsigned } from '../index.ts'

const alice = testKey('alice').pubkey
const bob = testKey('bob').pubkey
const profile = (created_at: number, content = '', tags: string[][] = []) =>
  unsigned({ kind: 0, created_at, content, tags }, alice)
const note = (created_at: number, tags: string[][] = []) => unsigned({ kind: 1, created_at, tags }, alice)

// The oracle is checked by hand here, case by case, because everything else is checked against it.

test('the newest version wins, on a tie the lowest id, and older ones are refused', () => {
  const relay = new NaiveRelay()
  const ties = ['a', 'b', 'c'].map((content) => profile(10, content)).sort((a, b) => (a.id < b.id ? 1 : -1))
  expect(ties.map((event) => relay.admit(event, 20))).toEqual(['stored', 'stored', 'stored'])
  expect(relay.query([{}], 20)).toEqual([ties[2]])
  expect(relay.admit(profile(9), 20)).toBe('superseded')
  expect(ties.map((event) => relay.admit(event, 20))).toEqual(['superseded', 'superseded', 'duplicate'])
})

test('an expired winner hides what is older', () => {
  const relay = new NaiveRelay()
  relay.admit(profile(10), 20)
  relay.admit(profile(11, '', [['expiration', '30']]), 20)
  expect(relay.query([{}], 29)).toHaveLength(1)
  expect(relay.query([{}], 30)).toEqual([])
  expect(relay.admit(profile(10, 'again'), 31)).toBe('superseded')
  expect(relay.admit(profile(12), 31)).toBe('stored')
})

test('deleting the winner leaves a floor; a stranger deletes nothing', () => {
  const relay = new NaiveRelay({ honoursDeletions: true })
  const [older, newer] = [profile(10), profile(11)]
  relay.admit(older, 20)
  relay.admit(newer, 20)
  relay.admit(unsigned({ kind: 5, created_at: 12, tags: [['e', newer.id]] }, bob), 20)
  expect(relay.query([{ kinds: [0] }], 20)).toEqual([newer])
  relay.admit(unsigned({ kind: 5, created_at: 12, tags: [['e', newer.id]] }, alice), 20)
  expect(relay.query([{ kinds: [0] }], 20)).toEqual([])
  expect([relay.admit(newer, 20), relay.admit(older, 20)]).toEqual(['deleted', 'superseded'])
})

test('deleting an address reaches up to the request', () => {
  const relay = new NaiveRelay({ honoursDeletions: true })
  relay.admit(profile(10), 20)
  relay.admit(unsigned({ kind: 5, created_at: 12, tags: [['a', `0:${alice}:`]] }, alice), 20)
  expect([relay.admit(profile(12), 20), relay.admit(profile(13), 20)]).toEqual(['deleted', 'stored'])
})

test('vanishing takes everything but the request itself', () => {
  const relay = new NaiveRelay({ honoursDeletions: true })
  const wrap = unsigned({ kind: 1059, created_at: 5, tags: [['p', alice]] }, bob)
  const request = unsigned({ kind: 62, created_at: 12, tags: [['relay', 'ALL_RELAYS']] }, alice)
  for (const event of [note(10), profile(11), wrap, request]) relay.admit(event, 20)
  expect(relay.query([{}], 20, new Set([alice, bob]))).toEqual([request])
  expect([relay.admit(note(12), 20), relay.admit(note(13), 20)]).toEqual(['deleted', 'stored'])
})

test('refuses what it must and says why', () => {
  const relay = new NaiveRelay()
  const own = note(10, [['-']])
  expect(relay.admit(unsigned({ kind: 22242, created_at: 1 }, alice), 20)).toBe('kind-refused')
  expect(relay.admit(unsigned({ kind: 1059, created_at: 1, tags: [['p', 'x']] }, alice), 20)).toBe(
    'owner-missing',
  )
  expect(relay.admit(note(10, [['expiration', '20']]), 20)).toBe('expired')
  expect(relay.admit(own, 20)).toBe('auth-required')
  expect(relay.admit(own, 20, new Set([bob]))).toBe('restricted')
  expect(relay.admit(own, 20, new Set([alice, bob]))).toBe('stored')
  expect(relay.admit(unsigned({ kind: 20_001, created_at: 1 }, alice), 20)).toBe('passed-on')
  expect(relay.query([{ kinds: [20_001] }], 20)).toEqual([])
})

test('each filter has its own limit; the union is newest first', () => {
  const relay = new NaiveRelay({ limitDefault: 3 })
  const notes = [1, 2, 3, 4, 5].map((second) => note(second))
  for (const event of notes) relay.admit(event, 20)
  const newest = [...notes].reverse()
  expect(relay.query([{}], 20)).toEqual(newest.slice(0, 3))
  expect(relay.query([{ limit: 1 }, { until: 2, limit: 5 }], 20)).toEqual([newest[0], newest[3], newest[4]])
  expect(relay.query([{ limit: 0 }], 20)).toEqual([])
  expect(relay.count([{ limit: 1 }], 20)).toBe(5)
})

test('guarded kinds go to those they are meant for', () => {
  const relay = new NaiveRelay()
  const message = unsigned({ kind: 4, created_at: 5, tags: [['p', bob]] }, alice)
  relay.admit(message, 20)
  const seenBy = (...keys: string[]) => relay.query([{}], 20, new Set(keys)).length
  expect([seenBy(), seenBy(testKey('carol').pubkey), seenBy(alice), seenBy(bob)]).toEqual([0, 0, 1, 1])
  expect([relay.goesTo(message, [{}]), relay.goesTo(message, [{}], new Set([bob]))]).toEqual([false, true])
})
