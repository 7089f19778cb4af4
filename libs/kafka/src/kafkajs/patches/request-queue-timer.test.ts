import { expect, test, vi } from 'vitest'
import type { RequestQueue } from '../internals.ts'
import { KafkajsRequestQueue } from '../internals.ts'
import { scheduleOnlyWhilePending } from './request-queue-timer.ts'

const queue = (change: Partial<RequestQueue> = {}): RequestQueue => {
  class Queue {
    pending: unknown[] = []
    throttledUntil = -1
    throttleCheckTimeoutId: NodeJS.Timeout | null = null
    checkPendingRequests = vi.fn()
    scheduleCheckPendingRequests(): void {}
  }
  scheduleOnlyWhilePending(Queue)
  return Object.assign(new Queue(), change)
}

test('schedules nothing while nothing is pending', () => {
  const idle = queue()
  idle.scheduleCheckPendingRequests()
  expect(idle.throttleCheckTimeoutId).toBeNull()
})

test('looks again soon when something is pending, and once', () => {
  vi.useFakeTimers()
  const busy = queue({ pending: [1] })
  busy.scheduleCheckPendingRequests()
  busy.scheduleCheckPendingRequests()
  vi.advanceTimersByTime(10)
  expect(busy.checkPendingRequests).toHaveBeenCalledTimes(1)
  expect(busy.throttleCheckTimeoutId).toBeNull()
  vi.useRealTimers()
})

test('waits out a throttle', () => {
  vi.useFakeTimers()
  const throttled = queue({ pending: [1], throttledUntil: Date.now() + 500 })
  throttled.scheduleCheckPendingRequests()
  vi.advanceTimersByTime(499)
  expect(throttled.checkPendingRequests).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(throttled.checkPendingRequests).toHaveBeenCalledTimes(1)
  vi.useRealTimers()
})

test("kafkajs's own queue is the one that is patched", () => {
  const own = KafkajsRequestQueue.prototype.scheduleCheckPendingRequests.toString()
  scheduleOnlyWhilePending()
  const patched = KafkajsRequestQueue.prototype.scheduleCheckPendingRequests.toString()
  expect(patched).not.toBe(own)
  expect(own).toMatch(/throttledUntil/)
})
