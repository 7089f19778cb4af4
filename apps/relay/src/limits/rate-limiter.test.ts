import { createMetrics } from '@millrace/observability'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Rates } from './address-limits.ts'
import { RateLimiter, type RateLimiterOptions } from './rate-limiter.ts'

const RATES: Rates = {
  event: { perS: 1, burst: 100 },
  query: { perS: 1, burst: 100 },
  auth: { perS: 1, burst: 100 },
  connection: { perS: 10, burst: 20 },
  byte: { perS: 1000, burst: 1000 },
}

const limiterWith = (options: Partial<RateLimiterOptions> = {}) => {
  const clock = { nowMs: 0 }
  const limiter = new RateLimiter({
    rates: RATES,
    isExempt: (address) => address === '127.0.0.1',
    addressesMax: 50,
    nowMs: () => clock.nowMs,
    metrics: createMetrics('relay'),
    ...options,
  })
  return { limiter, clock }
}

const exhaust = (limiter: RateLimiter, address: string) => {
  while (limiter.of(address).take('event') === null);
}

const stranger = (i: number) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`

test('an address has one count, whatever its connections; others have their own', () => {
  const { limiter } = limiterWith()
  exhaust(limiter, '1.2.3.4')
  expect(limiter.of('1.2.3.4').take('event')).toMatchObject({ code: 'rate-limited', retryAfterS: 1 })
  expect(limiter.of('::ffff:1.2.3.4').take('event')).not.toBeNull()
  expect(limiter.of('1.2.3.5').take('event')).toBeNull()
})

test('IPv6 is counted by /64', () => {
  const { limiter } = limiterWith()
  exhaust(limiter, '2001:db8:0:1::1')
  expect(limiter.of('2001:db8:0:1:ffff::2').take('event')).not.toBeNull()
  expect(limiter.of('2001:db8:0:2::1').take('event')).toBeNull()
})

test('what is no address shares one count', () => {
  const { limiter } = limiterWith()
  exhaust(limiter, 'unknown')
  expect(limiter.of('_hidden').take('event')).not.toBeNull()
  expect(limiter.of(undefined as unknown as string).take('event')).not.toBeNull()
})

test('exempt addresses are not counted', () => {
  const { limiter } = limiterWith()
  for (let i = 0; i < 1_000; i++) expect(limiter.of('127.0.0.1').take('event')).toBeNull()
  limiter.hold(limiter.of('127.0.0.1'))
  limiter.release(limiter.of('127.0.0.1'))
  expect(limiter.addresses).toBe(0)
})

test('processes that share the rates give out their part each', () => {
  const { limiter } = limiterWith({ processes: 4 })
  for (let i = 0; i < 25; i++) expect(limiter.of('1.2.3.4').take('event')).toBeNull()
  expect(limiter.of('1.2.3.4').take('event')).toMatchObject({
    message: 'at most 0.3 EVENTs a second from one address, 25 at once; try again in 4 s',
    retryAfterS: 4,
  })
})

test('an address is forgotten once its buckets are full again, and not before', () => {
  const { limiter, clock } = limiterWith()
  exhaust(limiter, '1.2.3.4')
  clock.nowMs = 99_000
  limiter.of('10.0.0.1').take('connection')
  expect(limiter.addresses).toBe(2)
  clock.nowMs = 100_000
  limiter.of('10.0.0.2').take('connection')
  expect(limiter.addresses).toBe(1)
})

test('a flood of addresses neither grows the table nor gives anything back to who is over the rate', () => {
  const { limiter } = limiterWith()
  const abusers = ['1.1.1.1', '2.2.2.2', '3.3.3.3']
  for (const address of abusers) exhaust(limiter, address)
  for (let i = 0; i < 10_000; i++) {
    limiter.of(stranger(i)).take('connection')
    expect(limiter.addresses).toBeLessThanOrEqual(50)
  }
  for (const address of abusers) expect(limiter.of(address).take('event')).not.toBeNull()
})

test('the buckets of connected addresses stay, whatever happens', () => {
  const { limiter } = limiterWith()
  const connected = Array.from({ length: 60 }, (_, i) => limiter.of(`20.0.0.${i}`))
  for (const limits of connected) limiter.hold(limits)
  for (let i = 0; i < 1_000; i++) exhaust(limiter, stranger(i))
  expect(limiter.addresses).toBe(110)
  for (const limits of connected) expect(limiter.of(limits.key)).toBe(limits)
})

test('in any order of connections, uses and time the table is bounded and agrees with who is connected', () => {
  const address = fc.nat({ max: 40 }).map(stranger)
  const step = fc.record({ address, act: fc.constantFrom('open', 'close', 'use'), ms: fc.nat({ max: 500 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const { limiter, clock } = limiterWith({ addressesMax: 5 })
      const open = new Map<string, number>()
      for (const { address, act, ms } of steps) {
        clock.nowMs += ms
        const limits = limiter.of(address)
        const connections = open.get(address) ?? 0
        if (act === 'use') limits.take('event')
        else if (act === 'open') {
          limiter.hold(limits)
          open.set(address, connections + 1)
        } else if (connections > 0) {
          limiter.release(limits)
          open.set(address, connections - 1)
        }
        const connected = [...open.values()].filter((count) => count > 0).length
        expect(limits.connections).toBe(open.get(address) ?? 0)
        expect(limiter.addresses).toBeLessThanOrEqual(connected + 5)
      }
    }),
  )
})
