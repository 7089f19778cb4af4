import { expect, test } from 'vitest'
import { KeyLog } from './key-log.ts'

test('what was pushed is there, across blocks and at their edges', () => {
  const log = new KeyLog()
  for (let key = 0; key < 40_000; key++) log.push(key)
  expect(log.count).toBe(40_000)
  for (const [from, to] of [
    [0, 3],
    [16_382, 16_387],
    [32_768, 32_769],
    [39_998, 40_000],
    [7, 7],
  ] as const)
    expect([...log.slice(from, to)]).toEqual(Array.from({ length: to - from }, (_, n) => from + n))
})
