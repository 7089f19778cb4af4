import { arbitraryEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownerOf } from './index.ts'

const author = 'a'.repeat(64)
const recipient = 'b'.repeat(64)
const other = 'c'.repeat(64)

test('an event belongs to its author, whoever it tags', () => {
  fc.assert(
    fc.property(arbitraryEvent({ kinds: [0, 1, 4, 5, 14, 62, 30_023, 20_000] }), (event) => {
      expect(ownerOf(event)).toEqual({ ok: true, value: event.pubkey })
    }),
  )
})

test.each([1059, 21059])(
  'a gift wrap of kind %i belongs to the recipient in its first valid p tag',
  (kind) => {
    const tags = [
      ['e', other],
      ['p'],
      ['p', 'alice'],
      ['p', recipient.toUpperCase()],
      ['p', recipient],
      ['p', other],
    ]
    expect(ownerOf({ kind, pubkey: author, tags })).toEqual({ ok: true, value: recipient })
  },
)

test.each([[[]], [[['p']]], [[['p', 'alice']]], [[['P', recipient]]]])(
  'a gift wrap tagged %j has no owner',
  (tags) => {
    expect(ownerOf({ kind: 1059, pubkey: author, tags })).toMatchObject({
      ok: false,
      fault: { code: 'event-owner-missing', kind: 'invalid' },
    })
  },
)
