import { AUTHORS, arbitraryEvent, naiveMayRead } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { GUARDED_KINDS, isProtected, mayRead, namesOnlyGuardedKinds } from './index.ts'

const arbitraryAsker = fc.subarray([...AUTHORS]).map((keys) => new Set(keys))

test('the guarded kinds are those of the invariant', () => {
  expect([...GUARDED_KINDS.keys()].sort((a, b) => a - b)).toEqual([4, 13, 14, 15, 1059, 21059])
})

test('who may read what equals the naive model', () => {
  let hidden = 0
  fc.assert(
    fc.property(
      arbitraryEvent({ kinds: [1, 4, 13, 14, 15, 1059, 21059] }),
      arbitraryAsker,
      (event, asker) => {
        expect(mayRead(event, asker)).toBe(naiveMayRead(event, asker))
        if (!mayRead(event, asker)) hidden++
      },
    ),
    { numRuns: 1000 },
  )
  expect(hidden).toBeGreaterThan(300)
})

test('nobody sees a guarded kind without AUTH, everybody sees the others', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      expect(mayRead(event, new Set())).toBe(!GUARDED_KINDS.has(event.kind))
    }),
  )
})

test.each([
  [{ kinds: [4] }, true],
  [{ kinds: [4, 1059, 13] }, true],
  [{ kinds: [4, 1] }, false],
  [{ kinds: [] }, false],
  [{}, false],
])('%j names only guarded kinds: %j', (filter, expected) => {
  expect(namesOnlyGuardedKinds(filter)).toBe(expected)
})

test('the tag - protects an event, with or without a value', () => {
  expect(isProtected({ tags: [['p', 'x'], ['-']] })).toBe(true)
  expect(isProtected({ tags: [['-', 'x']] })).toBe(true)
  expect(isProtected({ tags: [['p', '-']] })).toBe(false)
})
