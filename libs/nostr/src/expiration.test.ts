import { arbitraryCreatedAt, arbitraryEvent, naiveExpired } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { expirationOf, isExpired } from './index.ts'

test.each([
  [[], null],
  [[['expiration']], null],
  [[['expiration', '']], null],
  [[['expiration', 'soon']], null],
  [[['expiration', '-5']], null],
  [[['expiration', '1e3']], null],
  [[['expiration', '9007199254740993']], null],
  [[['expiration', '0']], 0],
  [[['expiration', '1600000000']], 1_600_000_000],
  [
    [
      ['expiration', 'soon'],
      ['expiration', '7'],
      ['expiration', '5'],
    ],
    7,
  ],
])('tags %j expire at %j', (tags, expected) => {
  expect(expirationOf({ tags })).toBe(expected)
})

test('an event is expired from its second on', () => {
  const event = { tags: [['expiration', '100']] }
  expect([isExpired(event, 99), isExpired(event, 100), isExpired(event, 101)]).toEqual([false, true, true])
  expect(isExpired({ tags: [] }, 100)).toBe(false)
})

test('equals the naive model', () => {
  fc.assert(
    fc.property(arbitraryEvent(), arbitraryCreatedAt, (event, nowS) => {
      expect(isExpired(event, nowS)).toBe(naiveExpired(event, nowS))
    }),
  )
})
