import { expect, test } from 'vitest'
import { verdictOf } from './verdict.ts'

test.each([
  [0, 'acknowledged'],
  [10, 'too-large'],
  [18, 'too-large'],
  [29, 'refused'],
  [87, 'refused'],
  [45, 'session-over'],
  [46, 'session-over'],
  [47, 'session-over'],
  [59, 'session-over'],
  // leadership, replicas, storage, time-outs: the same bytes again
  [3, 'again'],
  [5, 'again'],
  [6, 'again'],
  [7, 'again'],
  [19, 'again'],
  [20, 'again'],
  [56, 'again'],
])('code %i: %s', (code, kind) => {
  expect(verdictOf(code).kind).toBe(kind)
})

test('a broken numbering is transient: the client may try again, nothing is claimed', () => {
  expect(verdictOf(45)).toMatchObject({ fault: { code: 'kafka-fenced', kind: 'transient' } })
})
