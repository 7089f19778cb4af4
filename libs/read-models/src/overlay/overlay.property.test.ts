import {
  addressOf,
  compareServed,
  eventJson,
  type Filter,
  isNewerVersion,
  matchesFilter,
  type NostrEvent,
} from '@millrace/nostr'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { comparePositions, type Position } from '../position.ts'
import { someEvent, someFilter } from '../testdata/small-world.ts'
import { Overlay } from './overlay.ts'
import { ServedOrder } from './served-order.ts'

const ROOM = { overlayEventsMax: 10_000, overlayBytesMax: 1 << 30 }
const everything = { counts: () => true, shows: () => true }

const recordOf = (event: NostrEvent, offset: number) => ({
  event,
  json: eventJson(event),
  partition: event.pubkey.charCodeAt(0) % 2,
  offset,
})

/** What an overlay has to show, by looking at every event. */
function visible(events: readonly NostrEvent[], filter: Filter): NostrEvent[] {
  const distinct = [...new Map(events.map((event) => [event.id, event])).values()]
  return distinct
    .filter((event) => matchesFilter(filter, event))
    .filter(
      (event) =>
        addressOf(event) === null ||
        !distinct.some((other) => addressOf(other) === addressOf(event) && isNewerVersion(other, event)),
    )
    .sort(compareServed)
}

const history = fc.array(someEvent, { maxLength: 60 }).chain((events) =>
  fc.record({
    events: fc.constant(events),
    filter: someFilter(events.map((event) => event.id)),
    pageEntries: fc.integer({ min: 1, max: 7 }),
    watermark: fc.integer({ min: 0, max: 60 }),
  }),
)

test('pages of a view, put together, are what looking at every event gives', () => {
  fc.assert(
    fc.property(history, ({ events, filter, pageEntries }) => {
      const overlay = new Overlay(ROOM)
      events.forEach((event, offset) => {
        overlay.add(recordOf(event, offset))
      })
      using view = overlay.open()
      const ids: string[] = []
      let after: Position | null = null
      while (true) {
        const page = view.page(filter, after, pageEntries, everything)
        ids.push(...page.entries.map((entry) => entry.id))
        after = page.entries.at(-1) ?? after
        if (!page.isCut) break
        expect(page.entries).toHaveLength(pageEntries)
      }
      expect(ids).toEqual(visible(events, filter).map((event) => event.id))
    }),
  )
})

test('an open view sees neither additions nor releases; a new one sees both', () => {
  fc.assert(
    fc.property(history, fc.array(someEvent, { maxLength: 20 }), ({ events, filter, watermark }, later) => {
      const overlay = new Overlay(ROOM)
      events.forEach((event, offset) => {
        overlay.add(recordOf(event, offset))
      })
      const before = overlay.open()
      later.forEach((event, index) => {
        overlay.add(recordOf(event, 100 + index))
      })
      for (const partition of [0, 1]) overlay.release(partition, watermark)
      const seen = before.page(filter, null, 1_000, everything).entries.map((entry) => entry.id)
      expect(seen).toEqual(visible(events, filter).map((event) => event.id))
      before.close()

      const offsets = new Map([...events, ...later].map((event) => [event.id, -1]))
      events.forEach((event, offset) => {
        offsets.set(event.id, offset)
      })
      later.forEach((event, index) => {
        offsets.set(event.id, 100 + index)
      })
      const left = [...events, ...later].filter((event) => (offsets.get(event.id) ?? 0) >= watermark)
      using after = overlay.open()
      const now = after.page(filter, null, 1_000, everything).entries.map((entry) => entry.id)
      expect(now).toEqual(visible(left, filter).map((event) => event.id))
      for (const partition of [0, 1]) overlay.release(partition, 1_000)
      after.close()
      expect([overlay.events, overlay.bytes, overlay.isEmpty]).toEqual([0, 0, true])
    }),
  )
})

test('a served order is a sorted set, whatever is added and deleted', () => {
  const position = fc.record({
    createdAt: fc.integer({ min: 0, max: 40 }),
    id: fc.constantFrom('a', 'b', 'c'),
  })
  const step = fc.record({ position, isAdded: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), position, (steps, after) => {
      const order = new ServedOrder<Position>()
      const model = new Map<string, Position>()
      for (const { position: at, isAdded } of steps) {
        const key = `${at.createdAt} ${at.id}`
        if (!isAdded) {
          order.delete(at)
          model.delete(key)
        } else if (!model.has(key)) {
          order.add(at)
          model.set(key, at)
        }
      }
      const sorted = [...model.values()].sort(comparePositions)
      expect([...order.after(null)]).toEqual(sorted)
      expect([...order.after(after)]).toEqual(sorted.filter((item) => comparePositions(item, after) > 0))
      expect(order.size).toBe(sorted.length)
    }),
  )
})

test('positions sort as results are served', () => {
  fc.assert(
    fc.property(someEvent, someEvent, (a, b) => {
      const positions = [a, b].map((event) => ({ createdAt: event.created_at, id: event.id }))
      const [one, other] = positions
      if (one && other) expect(Math.sign(comparePositions(one, other))).toBe(Math.sign(compareServed(a, b)))
    }),
  )
})
