import { parseFilter } from '@millrace/nostr'
import { expect, test } from 'vitest'
import { prepareRequests } from '../load/prepared-requests.ts'
import { Oracle } from '../oracle/oracle.ts'
import { corpusOf, someEvents } from '../testing/small-corpus.ts'
import { FilterSource } from './filter-source.ts'
import { MODES, modesNamed } from './modes.ts'
import { SHAPES } from './shapes.ts'

const events = await someEvents(600)
const corpus = corpusOf(events)
const oracle = new Oracle(corpus, 'hidden')

test('every shape gives filters that relays take, never the same twice, and most of them find something', () => {
  for (const [name, { shape }] of Object.entries(SHAPES)) {
    const taken = new FilterSource(shape, corpus, oracle, 1).take(500)
    expect(new Set(taken.map((filters) => JSON.stringify(filters))).size, name).toBe(500)
    for (const filter of taken.flat()) expect(parseFilter(filter).ok, JSON.stringify(filter)).toBe(true)
    const found = taken.filter((filters) => oracle.expected(filters, corpus.count).size > 0)
    expect(found.length, name).toBeGreaterThan(450)
  }
})

test('the same seed asks the same of both relays', () => {
  const shape = SHAPES['authors']?.shape
  if (shape === undefined) throw new Error('no shape')
  const [a, b, other] = [3, 3, 4].map((seed) => new FilterSource(shape, corpus, oracle, seed).take(20))
  expect(a).toEqual(b)
  expect(a).not.toEqual(other)
})

test('a REQ takes the CLOSE of the one before it along', () => {
  const prepared = prepareRequests(
    [1, 2, 3, 4, 5].map((limit) => [{ limit }]),
    2,
  )
  expect(prepared.map((requests) => requests.length)).toEqual([3, 2])
  const [first, second] = prepared[1] ?? []
  expect(String(first?.frames)).not.toContain('CLOSE')
  expect(String(second?.frames)).toContain('["CLOSE","r1"]')
  expect(String(second?.frames)).toContain('["REQ","r3",{"limit":4}]')
})

test('modes are chosen by whole parts of their names', () => {
  const names = (list: string) => modesNamed(list).map(({ name }) => name)
  expect(names('publish-1x1')).toEqual(['publish-1x1'])
  expect(names('publish')).toHaveLength(6)
  expect(names('req').every((name) => name.startsWith('req-'))).toBe(true)
  expect(names('req')).toHaveLength(14)
  expect(names('reqw, mixed')).toHaveLength(8)
  expect(names('req-e')).toEqual(['req-e-c1', 'req-e-c16'])
  expect(() => names('nothing')).toThrow(/no mode begins with "nothing"/)
  expect(new Set(MODES.map(({ name }) => name)).size).toBe(MODES.length)
})
