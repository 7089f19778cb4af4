import { expect, test } from 'vitest'
import { until, within } from './index.ts'

test('until answers the first value that counts, zero and empty text included', async () => {
  let looks = 0
  expect(await until(() => (++looks > 2 ? looks : null), { what: 'three looks', intervalMs: 1 })).toBe(3)
  expect(await until(() => 0, { what: 'zero' })).toBe(0)
  expect(await until(async () => '', { what: 'empty text' })).toBe('')
})

test('until names what it waited for and why the last look failed', async () => {
  const failing = until(() => Promise.reject(new Error('not there')), {
    what: 'the port',
    deadlineMs: 20,
    intervalMs: 1,
  })
  await expect(failing).rejects.toThrow('not within 20 ms: the port')
  await expect(failing).rejects.toMatchObject({ cause: { message: 'not there' } })
})

test('within passes the value on and rejects at the deadline', async () => {
  expect(await within(1000, 'a value', Promise.resolve(7))).toBe(7)
  await expect(within(5, 'nothing', new Promise(() => {}))).rejects.toThrow('not within 5 ms: nothing')
})
