import { LIMITS } from '@millrace/kernel'
import { arbitraryBrokenEvent, arbitraryEvent, unsigned } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CREATED_AT_MAX, claimedEventId, parseEvent } from './index.ts'

const author = 'a'.repeat(64)

test('a well-formed event is read as it is, through JSON and back', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual({ ok: true, value: event })
    }),
  )
})

test('unknown fields are dropped, not refused', () => {
  fc.assert(
    fc.property(
      arbitraryEvent(),
      fc.dictionary(
        fc.string().map((key) => `x-${key}`),
        fc.jsonValue(),
      ),
      (event, extra) => {
        const parsed = parseEvent({ ...extra, ...event })
        expect(parsed).toEqual({ ok: true, value: event })
        expect(parsed.ok && Object.keys(parsed.value)).toEqual([
          'id',
          'pubkey',
          'created_at',
          'kind',
          'tags',
          'content',
          'sig',
        ])
      },
    ),
  )
})

test('whatever is nearly an event is refused as malformed', () => {
  fc.assert(
    fc.property(arbitraryBrokenEvent, ({ value, why }) => {
      const parsed = parseEvent(value)
      expect(parsed.ok, why).toBe(false)
      expect(!parsed.ok && parsed.fault.code, why).toBe('event-malformed')
    }),
    { numRuns: 1000 },
  )
})

test('any JSON at all is answered without throwing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(parseEvent(value).ok).toBe(false)
      expect(claimedEventId(value)).toBeNull()
    }),
  )
})

test('the number of tags is bounded, and the bound itself is allowed', () => {
  const tags = Array.from({ length: LIMITS.tagsPerEventMax }, () => ['t', 'x'])
  expect(parseEvent(unsigned({ kind: 1, tags, created_at: 1 }, author)).ok).toBe(true)
  const over = parseEvent(unsigned({ kind: 1, tags: [...tags, ['t', 'x']], created_at: 1 }, author))
  expect(over).toMatchObject({ ok: false, fault: { code: 'event-too-large' } })
})

test('numbers keep their limits: 0, 2^53 - 2, and a negative zero is zero', () => {
  const event = unsigned({ kind: 0, created_at: 0 }, author)
  const latest = { ...event, created_at: CREATED_AT_MAX, kind: 65_535 }
  expect(parseEvent(latest)).toEqual({ ok: true, value: latest })
  const negativeZero = parseEvent({ ...event, created_at: -0, kind: -0 })
  expect(
    negativeZero.ok && Object.is(negativeZero.value.created_at, 0) && Object.is(negativeZero.value.kind, 0),
  ).toBe(true)
})

test('a broken event still claims its id when that is 64 lowercase hex', () => {
  const id = 'b'.repeat(64)
  expect(claimedEventId({ id, kind: 'nonsense' })).toBe(id)
  expect(claimedEventId({ id: id.toUpperCase() })).toBeNull()
  expect(claimedEventId({ id: `${id}\n` })).toBeNull()
  expect(claimedEventId(null)).toBeNull()
})
