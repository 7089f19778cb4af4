import { expect, test } from 'vitest'
import type { ServedEvent } from './event-reader.ts'
import { drainMerged, FilterCursor } from './filter-cursor.ts'

const served = (createdAt: number): ServedEvent => ({
  id: createdAt.toString(16).padStart(64, '0'),
  pubkey: 'a'.repeat(64),
  kind: 1,
  createdAt,
  json: '',
  partition: 0,
  offset: 0,
})
const times = (events: readonly ServedEvent[]) => events.map(({ createdAt }) => createdAt)

test('a page longer than the limit leaves the cursor at the last event taken, not at the end of the page', () => {
  for (const end of [null, served(1)]) {
    const cursor = new FilterCursor({ limit: 2, tags: {} })
    cursor.take([served(5), served(4), served(3)], end)
    expect(cursor).toMatchObject({ left: 0, isDone: true, after: { createdAt: 4 } })
    expect(times(cursor.drain(null))).toEqual([5, 4])
  }
})

test('a page that fills the limit to the last event ends where it says', () => {
  const cursor = new FilterCursor({ limit: 2, tags: {} })
  cursor.take([served(5), served(4)], null)
  expect(cursor).toMatchObject({ left: 0, isDone: true, after: null })
})

test('whoever leaves out events of a fork goes on where its limit cut it', () => {
  const cursor = new FilterCursor({ limit: 2, tags: {} })
  const fork = cursor.fork()
  fork.take([served(5), served(4), served(3)], null)
  cursor.take(
    fork.drain(null).filter(({ createdAt }) => createdAt !== 5),
    fork.after,
  )
  expect(cursor).toMatchObject({ left: 1, isDone: false, after: { createdAt: 4 } })
  cursor.take([served(3)], null)
  expect(times(cursor.drain(null))).toEqual([4, 3])
})

test('several cursors hand out what all of them have read, each event once', () => {
  const [a, b] = [new FilterCursor({ tags: {} }), new FilterCursor({ tags: {} })]
  a.take([served(9), served(5)], served(5))
  expect(drainMerged([a, b])).toEqual([])
  b.take([served(9), served(8), served(3)], served(3))
  expect(times(drainMerged([a, b]))).toEqual([9, 8, 5])
  a.take([served(3), served(2)], null)
  expect(times(drainMerged([a, b]))).toEqual([3])
  b.take([], null)
  expect(times(drainMerged([a, b]))).toEqual([2])
})
