import { unwrap } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX, parseEventsQuery } from './events-query.ts'
import { encodeCursor } from './position-cursor.ts'

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)]
const parse = (query: string) => parseEventsQuery(new URLSearchParams(query))

test('nothing asked for: everything, a page at a time', () => {
  expect(unwrap(parse(''))).toEqual({ filter: { tags: {} }, limit: PAGE_EVENTS_DEFAULT, after: null })
})

test('lists come separated by commas, as several parameters, or both; each entry once', () => {
  const { filter } = unwrap(parse(`ids=${A},${B}&authors=${A}&authors=${B}&kinds=0,1&kinds=1,7`))
  expect(filter).toEqual({ ids: [A, B], authors: [A, B], kinds: [0, 1, 7], tags: {} })
})

test('tag values are whole parameters, since they may hold commas; the # may be there', () => {
  expect(unwrap(parse(`t=a,b&t=&%23t=c&E=${A}&p=${B}`)).filter.tags).toEqual({
    t: ['a,b', '', 'c'],
    E: [A],
    p: [B],
  })
})

test('bounds of time, 0 among them', () => {
  expect(unwrap(parse('since=0&until=5')).filter).toMatchObject({ since: 0, until: 5 })
})

test('a limit is a page, at most the largest one', () => {
  expect(unwrap(parse('limit=3')).limit).toBe(3)
  expect(unwrap(parse(`limit=${PAGE_EVENTS_MAX + 1}`)).limit).toBe(PAGE_EVENTS_MAX)
  expect(unwrap(parse('limit=99999999999999999999')).limit).toBe(PAGE_EVENTS_MAX)
})

test('an empty list matches nothing, as in a REQ', () => {
  expect(unwrap(parse('kinds=')).filter.kinds).toEqual([])
})

test('a cursor is a position', () => {
  const position = { createdAt: 17, id: A }
  expect(unwrap(parse(`cursor=${encodeCursor(position)}`)).after).toEqual(position)
})

test.each([
  ['an unknown parameter', 'search=x', 'search'],
  ['an unknown parameter that every object has', 'constructor=x', 'constructor'],
  ['a short id', `ids=${A},ab`, 'ids'],
  ['an uppercase author', `authors=${A.toUpperCase()}`, 'authors'],
  ['a kind that is a word', 'kinds=note', 'kinds'],
  ['a kind past the last one', 'kinds=65536', 'kinds'],
  ['an empty number', 'since=', 'since'],
  ['a negative time', 'until=-1', 'until'],
  ['a fraction', 'limit=1.5', 'limit'],
  ['a number in scientific notation', 'since=1e9', 'since'],
  ['a bound given twice', 'since=1&since=2', 'since'],
  ['a cursor from elsewhere', 'cursor=abc', 'cursor'],
  ['a cursor of half a position', `cursor=${Buffer.from('17.').toString('base64url')}`, 'cursor'],
  ['an e that is no id', 'e=x', '#e'],
])('%s is refused by its name', (_, query, name) => {
  const read = parse(query)
  expect(read).toMatchObject({
    ok: false,
    fault: { kind: 'invalid', message: expect.stringContaining(name) },
  })
})

test.each([
  ['limit=-1', 'limit: must be a whole number, 0 or more, in digits'],
  ['since=1.5', 'since: must be a whole number, 0 or more, in digits'],
  ['kinds=-1', 'kinds: must be a whole number from 0 to 65535, in digits'],
  ['kinds=65536', 'kinds: must be a whole number from 0 to 65535, in digits'],
])('%s is told what a number has to be', (query, message) => {
  expect(parse(query)).toMatchObject({ ok: false, fault: { message } })
})
