import { unwrap } from '@millrace/kernel'
import { arbitraryEvent, arbitraryFilter, naiveMatches } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexedTags, matchesAny, matchesFilter, parseFilter, parseFilters } from './index.ts'

const arbitraryEventsAndFilters = fc
  .array(arbitraryEvent(), { minLength: 1, maxLength: 8 })
  .chain((events) => fc.tuple(fc.constant(events), fc.array(arbitraryFilter(events), { maxLength: 4 })))

test('a filter matches exactly what the naive model says', () => {
  let matches = 0
  fc.assert(
    fc.property(arbitraryEventsAndFilters, ([events, filters]) => {
      const parsed = unwrap(parseFilters(filters))
      for (const event of events) {
        const expected = filters.map((filter) => naiveMatches(filter, event))
        expect(parsed.map((filter) => matchesFilter(filter, event))).toEqual(expected)
        expect(matchesAny(parsed, event)).toBe(expected.includes(true))
        matches += expected.filter(Boolean).length
      }
    }),
    { numRuns: 1000 },
  )
  expect(matches).toBeGreaterThan(500)
})

test('until 0 and since 0 are bounds', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      expect(matchesFilter({ until: 0, tags: {} }, event)).toBe(false)
      expect(matchesFilter({ since: 0, tags: {} }, event)).toBe(true)
      expect(matchesFilter({ until: event.created_at, since: event.created_at, tags: {} }, event)).toBe(true)
    }),
  )
})

test('an empty list matches nothing, whatever else holds', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      for (const filter of [{ ids: [] }, { authors: [] }, { kinds: [] }, { '#t': [] }])
        expect(matchesFilter(unwrap(parseFilter(filter)), event)).toBe(false)
    }),
  )
})

test('a long list finds what a short one finds', () => {
  fc.assert(
    fc.property(arbitraryEvent(), fc.boolean(), (event, present) => {
      const others = Array.from({ length: 100 }, (_, index) => index.toString(16).padStart(64, '0'))
      const authors = present ? [...others, event.pubkey] : others
      expect(matchesFilter({ authors, tags: {} }, event)).toBe(present)
    }),
  )
})

test('only the first value of a single-letter tag is indexed, and a tag without one not at all', () => {
  const tags = [
    ['t', 'a', 'b'],
    ['t', 'a'],
    ['T', 'a'],
    ['t'],
    ['e', ''],
    ['client', 'x'],
    ['é', 'x'],
    ['1', 'x'],
  ]
  expect(indexedTags({ tags })).toEqual([
    ['t', 'a'],
    ['T', 'a'],
    ['e', ''],
  ])
})

test('the indexed pairs are exactly those by which a filter finds the event', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      const pairs = indexedTags(event)
      for (const [letter, value] of pairs) expect(naiveMatches({ [`#${letter}`]: [value] }, event)).toBe(true)
      for (const letter of 'tTedp')
        for (const value of ['', 'x', 'one'])
          expect(naiveMatches({ [`#${letter}`]: [value] }, event)).toBe(
            pairs.some(([name, has]) => name === letter && has === value),
          )
    }),
  )
})
