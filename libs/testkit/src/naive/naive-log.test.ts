import { expect, test } from 'vitest'
import { naiveRemains, type SignedEvent, testKey, unsigned } from '../index.ts'

// The oracle is checked by hand here, case by case, because everything else is checked against it.

const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((seed) => testKey(seed).pubkey) as [
  string,
  string,
  string,
]
const event = (kind: number, created_at: number, author = alice, ...tags: string[][]) =>
  unsigned({ kind, created_at, tags }, author)
const kinds = (...events: SignedEvent[]) =>
  naiveRemains(events, { relayUrls: ['wss://here'], nowS: 100 }).visible.map(
    ({ kind, created_at }) => `${kind}@${created_at}`,
  )

test('by id: whoever came first, the author’s only, no requests', () => {
  const note = event(1, 1)
  expect(kinds(note, event(5, 2, alice, ['e', note.id]))).toEqual(['5@2'])
  expect(kinds(event(5, 2, alice, ['e', note.id]), note)).toEqual(['5@2'])
  expect(kinds(note, event(5, 2, bob, ['e', note.id]))).toEqual(['5@2', '1@1'])
  const request = event(5, 2, alice, ['e', note.id])
  expect(kinds(request, event(5, 3, alice, ['e', request.id]))).toEqual(['5@3', '5@2'])
})

test('by id of a version: nothing at or below it, whenever it came', () => {
  const [older, newer, newest] = [event(0, 1), event(0, 2), event(0, 3)]
  const request = event(5, 9, alice, ['e', newer.id])
  expect(kinds(older, newer, request)).toEqual(['5@9'])
  expect(kinds(request, older, newer)).toEqual(['5@9'])
  expect(kinds(older, newest, newer, request)).toEqual(['5@9', '0@3'])
  expect(kinds(older, request)).toEqual(['5@9', '0@1'])
})

test('by address: up to the request', () => {
  const article = (at: number) => event(30023, at, alice, ['d', 'x'])
  const request = event(5, 2, alice, ['a', `30023:${alice}:x`])
  expect(kinds(article(1), request, article(2))).toEqual(['5@2'])
  expect(kinds(article(3), request, article(2))).toEqual(['30023@3', '5@2'])
})

test('a recipient takes a gift wrap, and vanishing takes those sent before it', () => {
  const wrap = event(1059, 2, carol, ['p', alice], ['p', bob])
  expect(kinds(wrap, event(5, 3, bob, ['e', wrap.id]))).toEqual(['5@3'])
  expect(kinds(wrap, event(62, 2, bob, ['relay', 'ALL_RELAYS']))).toEqual(['62@2'])
  expect(kinds(wrap, event(62, 1, bob, ['relay', 'ALL_RELAYS']))).toEqual(['1059@2', '62@1'])
})

test('vanishing: here or everywhere, deletions too, not undone, and new life', () => {
  const vanish = (relay: string) => event(62, 5, alice, ['relay', relay])
  expect(kinds(event(1, 5), event(5, 4), vanish('wss://here'), event(1, 6))).toEqual(['1@6', '62@5'])
  expect(kinds(event(1, 6), vanish('wss://there'))).toEqual(['1@6', '62@5'])
  expect(kinds(event(1, 4), vanish('wss://there'))).toEqual(['62@5', '1@4'])
  const request = vanish('ALL_RELAYS')
  expect(kinds(event(1, 5), request, event(5, 9, alice, ['e', request.id]))).toEqual(['5@9', '62@5'])
})

test('what a key asked for stays asked for when it vanishes, whichever came first', () => {
  const wrap = event(1059, 9, bob, ['p', alice])
  const request = event(5, 3, alice, ['e', wrap.id])
  const vanish = event(62, 5, alice, ['relay', 'ALL_RELAYS'])
  expect(kinds(wrap, request, vanish)).toEqual(['62@5'])
  expect(kinds(wrap, vanish, request)).toEqual(['62@5'])
})

test('an expired winner hides what is older', () => {
  expect(kinds(event(0, 1), event(0, 2, alice, ['expiration', '100']))).toEqual([])
  expect(kinds(event(0, 1), event(0, 2, alice, ['expiration', '101']))).toEqual(['0@2'])
})
