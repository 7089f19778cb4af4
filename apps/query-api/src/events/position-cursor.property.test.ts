import { unwrap } from '@millrace/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor, isServedAfter } from './position-cursor.ts'

const position = fc.record({
  createdAt: fc.oneof(fc.nat(5), fc.maxSafeNat()),
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
})

test('a cursor names its position, and fits into a URL as it is', () => {
  fc.assert(
    fc.property(position, (at) => {
      const cursor = encodeCursor(at)
      expect(unwrap(decodeCursor(cursor))).toEqual(at)
      expect(encodeURIComponent(cursor)).toBe(cursor)
    }),
  )
})

test('any text is a cursor or refused, never more', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const decoded = decodeCursor(text)
      if (!decoded.ok) expect(decoded.fault.code).toBe('query-malformed')
    }),
  )
})

test('of two positions one is served after the other', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      const isSame = a.createdAt === b.createdAt && a.id === b.id
      expect(isServedAfter(a, b) !== isServedAfter(b, a)).toBe(!isSame)
    }),
  )
})
