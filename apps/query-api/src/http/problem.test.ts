import { FAULT_CODES, type FaultCode, invalid, transient } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { problemAnswer, problemOf } from './problem.ts'

test('every fault has a status and its words', () => {
  for (const code of FAULT_CODES) {
    const problem = problemOf(invalid(code, 'the reason'))
    expect(problem).toMatchObject({ type: 'about:blank', code })
    expect(problem.status).toBeGreaterThanOrEqual(400)
    expect(problem.title).not.toBe('')
  }
})

test('what callers did wrong they are told; what went wrong inside stays inside', () => {
  expect(problemOf(invalid('query-malformed', 'limit: is not a whole number')).detail).toContain('limit')
  const inner: FaultCode[] = [
    'clickhouse-unavailable',
    'clickhouse-refused',
    'internal',
    'timeout',
    'log-foreign',
  ]
  for (const code of inner)
    expect(problemOf(transient(code, 'SELECT content FROM')).detail).not.toContain('SELECT')
})

test('what may succeed later says when to come again', () => {
  expect(problemAnswer(transient('clickhouse-unavailable', 'away')).headers).toEqual({ 'retry-after': '1' })
  expect(problemAnswer(invalid('not-found', 'gone')).headers).toBeUndefined()
})
