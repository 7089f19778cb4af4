import { PassThrough } from 'node:stream'
import { createMetrics } from '@millrace/observability'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RateLimiter } from '../limits/rate-limiter.ts'
import { Intake } from './intake.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const NONE = { perS: 0, burst: 1 }

/** An intake of an address that may send 1,000 bytes a second and at once. */
function intake() {
  const clock = { nowMs: 0 }
  const limiter = new RateLimiter({
    rates: { event: NONE, query: NONE, auth: NONE, connection: NONE, byte: { perS: 1_000, burst: 1_000 } },
    isExempt: () => false,
    addressesMax: 10,
    nowMs: () => clock.nowMs,
    metrics: createMetrics('relay'),
  })
  const socket = {
    isPaused: false,
    pause() {
      this.isPaused = true
    },
    resume() {
      this.isPaused = false
    },
  }
  const stream = new PassThrough()
  const limits = limiter.of('10.0.0.1')
  const advanceMs = (ms: number) => {
    clock.nowMs += ms
    vi.advanceTimersByTime(ms)
  }
  const send = (bytes: number) => stream.emit('data', Buffer.alloc(bytes))
  return { intake: new Intake(socket, stream, limits), socket, send, limits, advanceMs }
}

test('a socket is paused for as long as its address is in debt', () => {
  const { socket, send, advanceMs } = intake()
  send(1_000)
  expect(socket.isPaused).toBe(false)
  send(500)
  expect(socket.isPaused).toBe(true)
  advanceMs(499)
  expect(socket.isPaused).toBe(true)
  advanceMs(1)
  expect(socket.isPaused).toBe(false)
})

test('a debt that another connection adds to is waited for too', () => {
  const { socket, send, limits, advanceMs } = intake()
  send(1_500)
  limits.received(1_000)
  advanceMs(500)
  expect(socket.isPaused).toBe(true)
  advanceMs(1_000)
  expect(socket.isPaused).toBe(false)
})

test('two reasons to hold it back both have to end', () => {
  const { intake: held, socket, send, advanceMs } = intake()
  held.pause()
  send(1_500)
  held.resume()
  expect(socket.isPaused).toBe(true)
  held.pause()
  advanceMs(500)
  expect(socket.isPaused).toBe(true)
  held.resume()
  expect(socket.isPaused).toBe(false)
})

test('one resume ends however many pauses', () => {
  const { intake: held, socket } = intake()
  held.pause()
  held.pause()
  held.resume()
  expect(socket.isPaused).toBe(false)
})

test('once closed it waits for nothing and counts nothing', () => {
  const { intake: closed, socket, send, limits } = intake()
  send(1_500)
  closed.close()
  expect(socket.isPaused).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
  send(100_000)
  expect(limits.received(0)).toBe(500)
})
