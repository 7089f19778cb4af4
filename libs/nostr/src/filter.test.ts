import { LIMITS } from '@millrace/kernel'
import { arbitraryFilter } from '@millrace/testkit'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFilter, parseFilters } from './index.ts'

const id = 'a'.repeat(64)
const key = 'b'.repeat(64)

const faultCode = (value: unknown) => {
  const parsed = parseFilter(value)
  return parsed.ok ? 'accepted' : parsed.fault.code
}

test('reads every field of NIP-01', () => {
  const wire = {
    ids: [id],
    authors: [key],
    kinds: [0, 65_535],
    since: 0,
    until: 5,
    limit: 0,
    '#e': [id],
    '#T': ['x', ''],
  }
  expect(parseFilter(wire)).toEqual({
    ok: true,
    value: {
      ids: [id],
      authors: [key],
      kinds: [0, 65_535],
      since: 0,
      until: 5,
      limit: 0,
      tags: { e: [id], T: ['x', ''] },
    },
  })
  expect(parseFilter({})).toEqual({ ok: true, value: { tags: {} } })
})

test('ignores what it does not know', () => {
  const wire = {
    search: 'x',
    '#ab': ['x'],
    '#1': ['x'],
    '#': 1,
    e: 1,
    ['__proto__']: 1,
    '#é': null,
    kinds: [1],
  }
  expect(parseFilter(wire)).toEqual({ ok: true, value: { kinds: [1], tags: {} } })
  expect(parseFilter(JSON.parse('{"__proto__":{"ids":[1]}}'))).toEqual({ ok: true, value: { tags: {} } })
})

test('keeps an empty list, which matches nothing, and drops doubles', () => {
  expect(parseFilter({ kinds: [], '#t': [] })).toEqual({ ok: true, value: { kinds: [], tags: { t: [] } } })
  expect(parseFilter({ kinds: [1, 1, 2] })).toEqual({ ok: true, value: { kinds: [1, 2], tags: {} } })
})

test('clamps limit and times that lie past every event', () => {
  expect(parseFilter({ limit: 1e9, until: 2 ** 64 })).toEqual({
    ok: true,
    value: { limit: LIMITS.filterLimitMax, until: Number.MAX_SAFE_INTEGER, tags: {} },
  })
})

describe('refuses as malformed', () => {
  test.each([
    ['null', null],
    ['a list', []],
    ['text', '{}'],
    ['ids that are no list', { ids: id }],
    ['ids null', { ids: null }],
    ['a short id', { ids: [id.slice(1)] }],
    ['an uppercase author', { authors: [key.toUpperCase()] }],
    ['an author with a line break', { authors: [`${key}\n`] }],
    ['an e value that is no id', { '#e': ['x'] }],
    ['a p value that is no key', { '#p': [`${key}0`] }],
    ['a kind as text', { kinds: ['1'] }],
    ['a kind past 65535', { kinds: [65_536] }],
    ['a negative kind', { kinds: [-1] }],
    ['a kind with a fraction', { kinds: [1.5] }],
    ['since as text', { since: '1' }],
    ['since null', { since: null }],
    ['until with a fraction', { until: 1.5 }],
    ['a negative until', { until: -1 }],
    ['a negative limit', { limit: -1 }],
    ['a limit as text', { limit: '10' }],
    ['a tag value that is no string', { '#t': [1] }],
    ['a tag value with half a surrogate pair', { '#t': ['\ud800'] }],
    ['tag values in an object', { '#t': { 0: 'x' } }],
  ])('%s', (_, value) => {
    expect(faultCode(value)).toBe('filter-malformed')
  })
})

test('bounds the entries of a list and the number of filters', () => {
  const kinds = Array.from({ length: LIMITS.filterListEntriesMax }, (_, kind) => kind)
  expect(faultCode({ kinds })).toBe('accepted')
  expect(faultCode({ kinds: [...kinds, 1] })).toBe('filter-too-large')
  const filters = Array.from({ length: LIMITS.filtersPerReqMax }, () => ({}))
  expect(parseFilters(filters).ok).toBe(true)
  expect(parseFilters([...filters, {}])).toMatchObject({ ok: false, fault: { code: 'filter-too-large' } })
  expect(parseFilters([{}, { kinds: 1 }])).toMatchObject({ ok: false, fault: { code: 'filter-malformed' } })
})

test('any filter of the arbitraries is read, any other JSON answered without throwing', () => {
  fc.assert(
    fc.property(arbitraryFilter(), fc.jsonValue(), (filter, junk) => {
      expect(parseFilter(filter).ok).toBe(true)
      expect(typeof parseFilter(junk).ok).toBe('boolean')
    }),
  )
})
