import { arbitraryEvent, naiveAddress, naiveClass } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf, dTagOf, KIND_MAX, kindClass } from './index.ts'

test.each([
  [0, 'replaceable'],
  [1, 'regular'],
  [2, 'regular'],
  [3, 'replaceable'],
  [4, 'regular'],
  [44, 'regular'],
  [45, 'regular'],
  [999, 'regular'],
  [1000, 'regular'],
  [9999, 'regular'],
  [10_000, 'replaceable'],
  [19_999, 'replaceable'],
  [20_000, 'ephemeral'],
  [29_999, 'ephemeral'],
  [30_000, 'addressable'],
  [39_999, 'addressable'],
  [40_000, 'regular'],
  [65_535, 'regular'],
])('kind %i is %s', (kind, expected) => {
  expect(kindClass(kind)).toBe(expected)
})

test('every kind has the class that the naive model gives it', () => {
  for (let kind = 0; kind <= KIND_MAX; kind++) expect(kindClass(kind)).toBe(naiveClass(kind))
})

test('only the first d tag counts, and one without a value is empty', () => {
  expect(
    dTagOf({
      tags: [
        ['t', 'x'],
        ['d', 'first'],
        ['d', 'second'],
      ],
    }),
  ).toBe('first')
  expect(dTagOf({ tags: [['d'], ['d', 'second']] })).toBe('')
  expect(dTagOf({ tags: [] })).toBe('')
})

test('a replaceable event is found under an empty d, whatever its d tag says', () => {
  expect(addressOf({ kind: 0, pubkey: 'ab', tags: [['d', 'x']] })).toBe('0:ab:')
  expect(addressOf({ kind: 30_023, pubkey: 'ab', tags: [['d', 'x:y']] })).toBe('30023:ab:x:y')
  expect(addressOf({ kind: 1, pubkey: 'ab', tags: [['d', 'x']] })).toBeNull()
  expect(addressOf({ kind: 20_001, pubkey: 'ab', tags: [] })).toBeNull()
})

test('addresses equal those of the naive model', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      expect(addressOf(event) ?? '').toBe(naiveAddress(event))
    }),
  )
})
