import { eventJson, type NostrEvent } from '@millrace/nostr'
import { beforeEach, expect, test } from 'vitest'
import { type IsSettled, Overlay } from './overlay.ts'

const note = (number: number): NostrEvent => ({
  id: number.toString(16).padStart(64, '0'),
  pubkey: 'a'.repeat(64),
  created_at: number,
  kind: 1,
  tags: [],
  content: `note ${number}`,
  sig: 'b'.repeat(128),
})
const record = (number: number, offset: number, partition = 0) => ({
  event: note(number),
  json: eventJson(note(number)),
  partition,
  offset,
})
const upTo = (...nextOffsets: number[]) =>
  new Map(nextOffsets.map((offset, partition) => [partition, offset]))

let overlay: Overlay
/** Numbers of the notes that the serving view answers for once it has applied them, and how often it was asked. */
let settled: Set<number>
let asked: number
const isSettled: IsSettled = ({ created_at }) => {
  asked++
  return settled.has(created_at)
}
const held = (...numbers: number[]) => numbers.filter((number) => overlay.has(note(number).id))

beforeEach(() => {
  overlay = new Overlay({ overlayEventsMax: 100, overlayBytesMax: 1 << 24 })
  settled = new Set()
  asked = 0
})

test('what the view has applied and answers for leaves; the rest waits for storage', () => {
  settled = new Set([1, 3])
  for (const [number, offset] of [
    [1, 5],
    [2, 6],
    [3, 7],
  ] as const)
    overlay.add(record(number, offset))
  overlay.releaseViewed(upTo(7), isSettled)
  expect(held(1, 2, 3)).toEqual([2, 3])
  overlay.releaseViewed(upTo(8), isSettled)
  expect(held(1, 2, 3)).toEqual([2])
  overlay.release(0, 7)
  expect([overlay.events, overlay.bytes]).toEqual([0, 0])
})

test('an event that the view left to storage is not asked about with every transaction', () => {
  for (let number = 0; number < 50; number++) overlay.add(record(number, number))
  for (let offset = 1; offset <= 50; offset++) overlay.releaseViewed(upTo(offset), isSettled)
  expect(asked).toBe(50)
  overlay.releaseViewed(upTo(50), isSettled)
  overlay.release(0, 20)
  expect(overlay.events).toBe(30)
  expect(asked).toBe(50)
})

test('storage alone lets go of nothing that the serving view has not applied', () => {
  overlay.releaseViewed(upTo(5), isSettled)
  expect(overlay.followsView).toBe(true)
  overlay.add(record(1, 5))
  overlay.release(0, 6)
  expect(held(1)).toEqual([1])
  expect(overlay.add(record(2, 5))).toBe('added')
  overlay.releaseViewed(upTo(6), isSettled)
  expect(overlay.isEmpty).toBe(true)
})

test('a view behind what storage made leave must not answer, and nothing follows it', () => {
  settled = new Set([1])
  overlay.add(record(1, 5, 1))
  overlay.release(0, 9)
  overlay.releaseViewed(upTo(8, 6), isSettled)
  expect(overlay.followsView).toBe(false)
  expect(held(1)).toEqual([1])
  overlay.releaseViewed(upTo(9, 6), isSettled)
  expect(overlay.followsView).toBe(true)
  expect(held(1)).toEqual([])
})

test('partitions are let go of each on its own', () => {
  settled = new Set([1, 2])
  overlay.add(record(1, 5, 0))
  overlay.add(record(2, 5, 1))
  overlay.releaseViewed(upTo(0, 6), isSettled)
  expect(held(1, 2)).toEqual([1])
  overlay.releaseViewed(upTo(6, 6), isSettled)
  expect(held(1, 2)).toEqual([])
})

test('an event stays until the view has applied its highest offset', () => {
  settled = new Set([1])
  overlay.add(record(1, 5))
  expect(overlay.add(record(1, 9))).toBe('known')
  overlay.releaseViewed(upTo(6), isSettled)
  expect(overlay.get(note(1).id)?.offset).toBe(9)
  overlay.releaseViewed(upTo(10), isSettled)
  expect(held(1)).toEqual([])
})

test('of what comes after the view had it, only what it does not answer for is kept', () => {
  settled = new Set([1])
  overlay.releaseViewed(upTo(10), isSettled)
  expect(overlay.add(record(1, 5))).toBe('covered')
  expect(overlay.add(record(2, 6))).toBe('added')
  expect(overlay.reserve(note(1), eventJson(note(1)))?.add(record(1, 7))).toBe('covered')
  overlay.release(0, 7)
  expect(overlay.isEmpty).toBe(true)
})

test('a query that began before sees what leaves meanwhile, also twice, and later ones do not', () => {
  settled = new Set([1, 2])
  overlay.add(record(1, 5))
  overlay.add(record(2, 6))
  const first = overlay.open()
  overlay.releaseViewed(upTo(6), isSettled)
  const second = overlay.open()
  overlay.releaseViewed(upTo(7), isSettled)
  const seen = (view: typeof first) => [1, 2].filter((number) => view.get(note(number).id) !== undefined)
  expect([seen(first), seen(second)]).toEqual([
    [1, 2],
    [1, 2],
  ])
  first.close()
  expect(held(1, 2)).toEqual([2])
  second.close()
  expect([overlay.events, overlay.bytes]).toEqual([0, 0])
})

test('what the view stops answering for before the last query closes stays for storage, and then leaves', () => {
  settled = new Set([1])
  overlay.add(record(1, 5))
  const view = overlay.open()
  overlay.releaseViewed(upTo(6), isSettled)
  settled.clear() // The newer version that the view had instead is erased.
  view.close()
  expect(held(1)).toEqual([1])
  overlay.release(0, 6)
  expect([overlay.events, overlay.bytes, overlay.isEmpty]).toEqual([0, 0, true])
})

test('a copy that comes while a query keeps the event makes it stay', () => {
  settled = new Set([1])
  overlay.add(record(1, 5))
  const view = overlay.open()
  overlay.releaseViewed(upTo(6), isSettled)
  expect(overlay.add(record(1, 8))).toBe('known')
  view.close()
  expect(held(1)).toEqual([1])
  overlay.releaseViewed(upTo(9), isSettled)
  expect([overlay.events, overlay.bytes]).toEqual([0, 0])
})

test('room taken by a reservation is given back when the view had the event first', () => {
  overlay = new Overlay({ overlayEventsMax: 1, overlayBytesMax: 1 << 24 })
  settled = new Set([1])
  const reservation = overlay.reserve(note(1), eventJson(note(1)))
  overlay.releaseViewed(upTo(6), isSettled)
  expect(overlay.add(record(2, 7))).toBe('full')
  expect(reservation?.add(record(1, 5))).toBe('covered')
  expect(overlay.add(record(2, 7))).toBe('added')
})
