import { arbitraryEvent, servedFirst } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareServed, isNewerVersion } from './index.ts'

test('the later version wins, on a tie the lower id', () => {
  const older = { created_at: 1, id: 'a' }
  const lower = { created_at: 2, id: 'b' }
  const higher = { created_at: 2, id: 'c' }
  expect([isNewerVersion(lower, older), isNewerVersion(older, lower)]).toEqual([true, false])
  expect([isNewerVersion(lower, higher), isNewerVersion(higher, lower)]).toEqual([true, false])
  expect(isNewerVersion(lower, lower)).toBe(false)
})

test('the served order is that of the naive model and begins with the winner', () => {
  fc.assert(
    fc.property(fc.array(arbitraryEvent(), { minLength: 1 }), (events) => {
      const served = [...events].sort(compareServed)
      expect(served).toEqual([...events].sort(servedFirst))
      expect(events.reduce((best, event) => (isNewerVersion(event, best) ? event : best)).id).toBe(
        served[0]?.id,
      )
    }),
  )
})
