import { GUARDED_KINDS } from '@millrace/nostr'
import { afterAll, expect, test } from 'vitest'
import { connect } from './testing/store.ts'
import { checkViewAccess, shownRows } from './view-access.ts'

const ch = connect()
afterAll(() => ch.close())

test('the server that the launcher starts protects the views as this version expects', async () => {
  expect(await checkViewAccess(ch)).toEqual({ ok: true, value: undefined })
})

test.each([
  ['no such user', { user: 'nobody' }],
  ['a user without policies', { user: 'millrace_req' }],
  ['the policies of another version', { shown: shownRows().replace('1059, ', '') }],
])('refused: %s', async (_, expected) => {
  expect(await checkViewAccess(ch, expected)).toMatchObject({
    ok: false,
    fault: { kind: 'fatal', code: 'configuration-invalid', message: expect.stringContaining('users.xml') },
  })
})

test('the policies leave out every kind that not everybody may read', () => {
  const kinds = /kind NOT IN \(([\d, ]+)\)/.exec(shownRows())?.[1]?.split(', ').map(Number)
  expect(kinds).toEqual([...GUARDED_KINDS.keys()].toSorted((a, b) => a - b))
})
