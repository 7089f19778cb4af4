import { expect, test } from 'vitest'
import { type ReadinessCheck, readinessOf, stateOf } from './ops-server.ts'

const checksOf = (checks: Record<string, Awaited<ReturnType<ReadinessCheck>>>) =>
  readinessOf(new Map(Object.entries(checks).map(([name, state]) => [name, () => state])))

test.each([
  ['all is well', { a: null, b: null }, null],
  ['something is missing', { a: null, b: 'gone' }, 'b: gone'],
  ['ready, though something is missing', { a: { degraded: 'slow' }, b: null }, { degraded: 'a: slow' }],
  ['what keeps it from being ready comes first', { a: { degraded: 'slow' }, b: 'gone' }, 'b: gone'],
])('what a process says of itself is one check of another: %s', async (_, checks, state) => {
  const readiness = await checksOf(checks)
  expect(readiness.ready).toBe(typeof state !== 'string')
  expect(stateOf(readiness)).toEqual(state)
})

test('a check that fails is what is missing', async () => {
  const failing = new Map([['a', () => Promise.reject(new Error('no answer'))]])
  expect(stateOf(await readinessOf(failing))).toBe('a: no answer')
})
