import { expect, test } from 'vitest'
import { bodiesOf } from './body-sql.ts'

const id = 'a'.repeat(64)
const pubkey = 'b'.repeat(64)
const event = {
  id,
  pubkey,
  created_at: 1_700_000_000,
  kind: 30_023,
  tags: [['d', ',"expiration":7,"log_partition":1,"log_offset":2}']],
  content: '{"id":"","expiration":1}\n✓',
  sig: 'c'.repeat(128),
}
const row = `${JSON.stringify({ ...event, expiration: 0, log_partition: 3, log_offset: 41 })}\n`

test('the text of a row up to sig is the event, whatever it holds', () => {
  const [body] = bodiesOf(row)
  expect(JSON.parse(body?.json ?? '')).toEqual(event)
  expect(body).toMatchObject({
    id,
    pubkey,
    kind: 30_023,
    createdAt: 1_700_000_000,
    partition: 3,
    offset: 41,
    expirationS: null,
  })
})

test('an answer that broke off is noticed', () => {
  expect(() => bodiesOf(`${row}${row.slice(0, 100)}`)).toThrow('middle of a row')
  expect(() => bodiesOf(`${row}Code: 241. DB::Exception: memory\n`)).toThrow('no row')
  expect(bodiesOf('')).toEqual([])
})
