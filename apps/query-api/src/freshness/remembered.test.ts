import { err, ok, type Result, transient } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { Remembered } from './remembered.ts'

/** Counts how often it is asked; answers the number. */
function source(answer: (count: number) => Result<number> = ok) {
  let count = 0
  return { get: async () => answer(++count), count: () => count }
}

test('everybody who asks meanwhile and within its age gets the same answer', async () => {
  const { get, count } = source()
  const value = new Remembered(get, 60_000)
  expect(await Promise.all([value.read(), value.read()])).toEqual([ok(1), ok(1)])
  expect(await value.read()).toEqual(ok(1))
  expect(count()).toBe(1)
})

test('an old answer is asked for again', async () => {
  const value = new Remembered(source().get, 0)
  expect([await value.read(), await value.read()]).toEqual([ok(1), ok(2)])
})

test('a fault is not kept', async () => {
  const fault = transient('clickhouse-unavailable', 'away')
  const value = new Remembered(source((count) => (count === 1 ? err(fault) : ok(count))).get, 60_000)
  expect([await value.read(), await value.read(), await value.read()]).toEqual([err(fault), ok(2), ok(2)])
})
