import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

test('who waits is served in order; who gives up leaves no slot behind', async () => {
  const slots = new Slots(1)
  const served: number[] = []
  const abort = new AbortController()
  const never = new AbortController().signal
  expect(slots.tryTake()).toBe(true)
  const waits = [
    slots.take(never).then((taken) => taken && served.push(1)),
    slots.take(abort.signal).then((taken) => taken && served.push(2)),
    slots.take(never).then((taken) => taken && served.push(3)),
  ]
  expect(slots.tryTake()).toBe(false)
  abort.abort()
  expect(await waits[1]).toBe(false)
  for (const wait of [waits[0], waits[2]]) {
    slots.release()
    await wait
  }
  expect(served).toEqual([1, 3])
  slots.release()
  expect(slots.taken).toBe(0)
  expect(await slots.take(abort.signal)).toBe(false)
})
