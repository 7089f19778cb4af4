import { unwrap } from '@millrace/kernel'
import { type Filter, parseFilters } from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryEvent,
  arbitraryFilter,
  type NaiveFilter,
  naiveMatches,
  type SignedEvent,
  unsigned,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SubscriptionIndex, weightOf } from './index.ts'

type Act =
  | { readonly act: 'add'; readonly key: number; readonly filters: readonly NaiveFilter[] }
  | { readonly act: 'remove'; readonly key: number }
  | { readonly act: 'match'; readonly event: SignedEvent }

/** Few keys, so that subscriptions are replaced and removed often. */
const arbitraryKey = fc.nat(8)

const arbitraryScene: fc.Arbitrary<Act[]> = fc
  .array(arbitraryEvent(), { minLength: 1, maxLength: 8 })
  .chain((events) =>
    fc.array(
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({
            act: fc.constant('add' as const),
            key: arbitraryKey,
            filters: fc.array(arbitraryFilter(events), { maxLength: 4 }),
          }),
        },
        { weight: 1, arbitrary: fc.record({ act: fc.constant('remove' as const), key: arbitraryKey }) },
        {
          weight: 3,
          arbitrary: fc.record({ act: fc.constant('match' as const), event: fc.constantFrom(...events) }),
        },
      ),
      { minLength: 15, maxLength: 40 },
    ),
  )

const parse = (filters: readonly NaiveFilter[]): readonly Filter[] => unwrap(parseFilters(filters))

test('after any changes it finds what a scan of all filters finds, each subscription once', () => {
  let found = 0
  fc.assert(
    fc.property(arbitraryScene, (acts) => {
      const index = new SubscriptionIndex<number>()
      const naive = new Map<number, readonly NaiveFilter[]>()
      for (const act of acts) {
        if (act.act === 'add') {
          expect(index.add(act.key, parse(act.filters)).ok).toBe(true)
          naive.set(act.key, act.filters)
        } else if (act.act === 'remove') {
          expect(index.remove(act.key)).toBe(naive.delete(act.key))
        } else {
          const expected = [...naive].filter(([, filters]) =>
            filters.some((filter) => naiveMatches(filter, act.event)),
          )
          const keys = expected.map(([key]) => key)
          expect(index.match(act.event).sort()).toEqual(keys.sort())
          found += keys.length
        }
        expect(index.size).toBe(naive.size)
      }
      for (const key of naive.keys()) index.remove(key)
      expect([index.size, index.weight, index.isEmpty]).toEqual([0, 0, true])
    }),
    { numRuns: 500 },
  )
  expect(found).toBeGreaterThan(500)
})

const event = unsigned({ kind: 1, created_at: 100, tags: [['t', 'x']] }, 'a'.repeat(64))

test('a full index refuses, keeps what the subscription had, and counts what is replaced as gone', () => {
  const index = new SubscriptionIndex<string>({ weightMax: 6 })
  expect(index.add('a', parse([{ kinds: [1, 2] }])).ok).toBe(true)
  expect(index.add('b', parse([{ authors: AUTHORS.slice(0, 2) }])).ok).toBe(true)
  expect(index.add('a', parse([{ kinds: [3, 4, 5] }]))).toMatchObject({
    ok: false,
    fault: { code: 'subscriptions-too-many', kind: 'transient' },
  })
  expect(index.match(event)).toEqual(['a'])
  expect(index.add('a', parse([{ kinds: [3, 4] }])).ok).toBe(true)
  expect(index.match(event)).toEqual([])
  expect([index.size, index.weight]).toEqual([2, 6])
})

test('long texts weigh more than short ones, whichever condition they are in', () => {
  const long = 'x'.repeat(6_400)
  expect(weightOf(parse([{ '#t': ['a', 'b'], kinds: [1] }]))).toBe(4)
  expect(weightOf(parse([{ ids: [event.id], '#t': [long] }]))).toBeGreaterThan(100)
  const index = new SubscriptionIndex<string>({ weightMax: 250 })
  expect(index.add('a', parse([{ '#t': [long] }])).ok).toBe(true)
  expect(index.add('b', parse([{ '#t': [long] }])).ok).toBe(true)
  expect(index.add('c', parse([{ '#t': [long] }])).ok).toBe(false)
})

test('a subscription without filters, or with one that matches nothing, is held but never found', () => {
  const index = new SubscriptionIndex<string>()
  index.add('none', [])
  index.add('empty', parse([{ kinds: [] }, { '#t': [], kinds: [1] }]))
  expect(index.size).toBe(2)
  expect(index.match(event)).toEqual([])
})

test('limit does not hold back live events', () => {
  const index = new SubscriptionIndex<string>()
  index.add('live', parse([{ limit: 0 }]))
  expect(index.match(event)).toEqual(['live'])
})
