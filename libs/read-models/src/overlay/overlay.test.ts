import { eventJson, type NostrEvent } from '@millrace/nostr'
import { expect, test } from 'vitest'
import { Overlay } from './overlay.ts'
import { entryBytes } from './overlay-entry.ts'

const note = (number: number, createdAt = number): NostrEvent => ({
  id: number.toString(16).padStart(64, '0'),
  pubkey: 'a'.repeat(64),
  created_at: createdAt,
  kind: 1,
  tags: [],
  content: `note ${number}`,
  sig: 'b'.repeat(128),
})
const record = (event: NostrEvent, offset: number, partition = 0) => ({
  event,
  json: eventJson(event),
  partition,
  offset,
})
const bytesOf = (event: NostrEvent) => entryBytes(event, eventJson(event))

test('text that Latin-1 lacks counts twice, since a string with it has two bytes a character', () => {
  const latin = { ...note(1), content: 'a'.repeat(8_000) }
  const other = { ...note(1), content: '字'.repeat(8_000) }
  expect(bytesOf(other) - bytesOf(latin)).toBe(2 * eventJson(other).length)
})

test('a full overlay refuses and keeps what it has', () => {
  const overlay = new Overlay({ overlayEventsMax: 2, overlayBytesMax: 1 << 20 })
  expect(overlay.add(record(note(1), 1))).toBe('added')
  expect(overlay.add(record(note(2), 2))).toBe('added')
  expect(overlay.add(record(note(3), 3))).toBe('full')
  expect(overlay.reserve(note(3), eventJson(note(3)))).toBeNull()
  expect(overlay.add(record(note(1), 4))).toBe('known')
  expect([overlay.has(note(1).id), overlay.has(note(3).id), overlay.events]).toEqual([true, false, 2])
})

test('the bound in bytes counts entries and reservations', () => {
  const overlay = new Overlay({ overlayEventsMax: 100, overlayBytesMax: 2 * bytesOf(note(1)) })
  const reservation = overlay.reserve(note(1), eventJson(note(1)))
  expect(overlay.add(record(note(2), 2))).toBe('added')
  expect(overlay.add(record(note(3), 3))).toBe('full')
  reservation?.cancel()
  expect(overlay.add(record(note(3), 3))).toBe('added')
})

test('an event with a reservation always finds its room', () => {
  const overlay = new Overlay({ overlayEventsMax: 1, overlayBytesMax: 1 << 20 })
  const reservation = overlay.reserve(note(1), eventJson(note(1)))
  expect(overlay.add(record(note(2), 1))).toBe('full')
  expect(reservation?.add(record(note(1), 2))).toBe('added')
  expect(() => reservation?.cancel()).toThrow('used once')
})

test('an event stays until the watermark covers its highest offset: compaction may have removed the lower one', () => {
  const overlay = new Overlay({ overlayEventsMax: 10, overlayBytesMax: 1 << 20 })
  overlay.add(record(note(1), 5))
  expect(overlay.add(record(note(1), 9))).toBe('known')
  overlay.release(0, 6)
  expect(overlay.get(note(1).id)?.offset).toBe(9)
  overlay.release(0, 10)
  expect(overlay.has(note(1).id)).toBe(false)
})

test('partitions are released each on its own, and a watermark never moves back', () => {
  const overlay = new Overlay({ overlayEventsMax: 10, overlayBytesMax: 1 << 20 })
  overlay.add(record(note(1), 5, 0))
  overlay.add(record(note(2), 5, 1))
  overlay.release(1, 6)
  overlay.release(1, 2)
  expect([overlay.has(note(1).id), overlay.has(note(2).id)]).toEqual([true, false])
  expect(overlay.add(record(note(3), 5, 1))).toBe('covered')
  expect(overlay.has(note(3).id)).toBe(false)
})

test('a copy that comes while an old view keeps the covered one makes it stay', () => {
  const overlay = new Overlay({ overlayEventsMax: 10, overlayBytesMax: 1 << 20 })
  overlay.add(record(note(1), 5))
  const view = overlay.open()
  overlay.release(0, 6)
  expect(overlay.add(record(note(1), 8))).toBe('known')
  view.close()
  expect(overlay.has(note(1).id)).toBe(true)
  overlay.release(0, 9)
  expect([overlay.events, overlay.bytes]).toEqual([0, 0])
})

test('filters over 100,000 events answer in milliseconds', () => {
  const overlay = new Overlay({ overlayEventsMax: 100_000, overlayBytesMax: 1 << 30 })
  for (let number = 0; number < 100_000; number++) {
    const event = { ...note(number), pubkey: (number % 1_000).toString(16).padStart(64, '0') }
    overlay.add(record({ ...event, tags: [['e', note(number % 5_000).id]] }, number))
  }
  using view = overlay.open()
  const all = { counts: () => true, shows: () => true }
  const author = (7).toString(16).padStart(64, '0')
  const filters = [
    { authors: [author], tags: {} },
    { kinds: [1], since: 99_000, tags: {} },
    { tags: { e: [note(3).id] } },
    { ids: [note(42).id], tags: {} },
  ]
  const startedMs = performance.now()
  for (const filter of filters) expect(view.page(filter, null, 50, all).entries.length).toBeGreaterThan(0)
  expect(performance.now() - startedMs).toBeLessThan(500)
})
