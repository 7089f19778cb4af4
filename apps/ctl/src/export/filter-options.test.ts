import { expect, test } from 'vitest'
import { filterOf } from './filter-options.ts'

const ID = 'a'.repeat(64)

test('options make a filter, and replace the fields of --filter', () => {
  expect(filterOf({})).toEqual({ tags: {} })
  expect(filterOf({ kinds: [1, 7], since: 5, limit: 1_000_000, tag: ['t=x', '#t=y=z'] })).toEqual({
    kinds: [1, 7],
    since: 5,
    limit: 1_000_000,
    tags: { t: ['x', 'y=z'] },
  })
  expect(filterOf({ filter: `{"kinds":[0],"#e":["${ID}"],"limit":3}`, kinds: [1] })).toEqual({
    kinds: [1],
    limit: 3,
    tags: { e: [ID] },
  })
})

test.each([
  [{ filter: '[]' }, /--filter/],
  [{ filter: '{' }, /--filter/],
  [{ filter: '{"limit":-1}' }, /limit/],
  [{ ids: ['abc'] }, /ids/],
  [{ tag: ['title=x'] }, /--tag/],
  [{ tag: ['e=abc'] }, /#e/],
])('%j is a usage failure that names the field', (options, message) => {
  expect(() => filterOf(options)).toThrow(message)
  expect(() => filterOf(options)).toThrow(expect.objectContaining({ exitCode: 2 }))
})
