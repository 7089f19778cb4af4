import * as fc from 'fast-check'
import { AUTHORS, arbitraryCreatedAt, EPOCH_S, KINDS_OF_INTEREST, SPAN_S } from './arbitrary-event.ts'
import type { NaiveFilter } from './naive/naive-rules.ts'
import type { SignedEvent } from './signer.ts'

const MISS = 'f'.repeat(64)

/**
 * Filters as they go over the wire, drawn from what the given events hold, so that many of them match something. Empty
 * lists and `until: 0` are among them.
 */
export function arbitraryFilter(events: readonly SignedEvent[] = []): fc.Arbitrary<NaiveFilter> {
  const ids = listOf([MISS, ...events.map(({ id }) => id)])
  const tagValues = events.flatMap(({ tags }) => tags.map((tag) => tag[1] ?? ''))
  const hexValues = tagValues.filter((value) => /^[0-9a-f]{64}$/.test(value))
  const conditions = fc.record({
    ids,
    authors: listOf([MISS, ...AUTHORS]),
    kinds: listOf([...KINDS_OF_INTEREST, ...events.map(({ kind }) => kind)]),
    since: fc.oneof(arbitraryCreatedAt, fc.constant(0)),
    until: fc.oneof(arbitraryCreatedAt, fc.constantFrom(0, EPOCH_S + 10 * SPAN_S)),
    limit: fc.constantFrom(0, 1, 2, 10, 5000),
    '#e': listOf([MISS, ...hexValues]),
    '#p': listOf([MISS, ...AUTHORS]),
    '#d': listOf(['', 'one', 'two']),
    '#t': listOf(['', ...tagValues]),
    '#T': listOf(['', ...tagValues]),
  })
  // With every condition at once nothing matches.
  return fc
    .tuple(conditions, fc.subarray([...FIELDS], { maxLength: 3 }))
    .map(([all, chosen]) => Object.fromEntries(chosen.map((field) => [field, all[field]])) as NaiveFilter)
}

const FIELDS = ['ids', 'authors', 'kinds', 'since', 'until', 'limit', '#e', '#p', '#d', '#t', '#T'] as const

const listOf = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constant<T[]>([]) },
  )
