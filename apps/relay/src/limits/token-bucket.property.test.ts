import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shapeOf, TokenBucket } from './token-bucket.ts'

const rate = fc.record({
  perS: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.double({ min: 0.1, max: 100, noNaN: true })),
  burst: fc.integer({ min: 1, max: 50 }),
})
/** Uptimes at which the clock has lost its small fractions too. */
const startMs = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e10, noNaN: true }))
/** Mostly close together, sometimes far apart. */
const pauseMs = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 30, noNaN: true }),
  fc.integer({ min: 0, max: 20_000 }),
)
/** What the clock's own fractions and the rounding of the bucket may give away, tokens. */
const SLACK = 0.01

test('no window gives out more than its burst and what flowed in meanwhile', () => {
  fc.assert(
    fc.property(rate, startMs, fc.array(pauseMs, { maxLength: 150 }), (rate, start, pauses) => {
      const bucket = new TokenBucket(shapeOf(rate))
      const taken: number[] = []
      let nowMs = start
      for (const pause of pauses) {
        nowMs += pause
        if (bucket.take(nowMs) === 0) taken.push(nowMs)
      }
      for (const [from, first] of taken.entries())
        for (const [further, last] of taken.slice(from).entries())
          expect(further + 1).toBeLessThanOrEqual(rate.burst + (rate.perS * (last - first)) / 1000 + SLACK)
    }),
  )
})

test('nothing is refused that burst and rate allow', () => {
  fc.assert(
    fc.property(rate, startMs, fc.array(pauseMs, { maxLength: 150 }), (rate, start, pauses) => {
      const bucket = new TokenBucket(shapeOf(rate))
      let tokens = rate.burst
      let nowMs = start
      for (const pause of pauses) {
        nowMs += pause
        tokens = Math.min(rate.burst, tokens + (rate.perS * pause) / 1000)
        const isTaken = bucket.take(nowMs) === 0
        if (!isTaken) expect(tokens).toBeLessThan(1 + SLACK)
        if (isTaken) tokens = Math.max(0, tokens - 1)
      }
    }),
  )
})

test('a refusal says when there is a token, not sooner and not later', () => {
  fc.assert(
    fc.property(rate, startMs, (rate, start) => {
      const bucket = new TokenBucket(shapeOf(rate))
      for (let i = 0; i < rate.burst; i++) expect(bucket.take(start)).toBe(0)
      const waitMs = bucket.take(start)
      expect(waitMs).toBeCloseTo(1000 / rate.perS, 2)
      expect(bucket.take(start + waitMs * 0.9)).toBeGreaterThan(0)
      expect(bucket.take(start + waitMs)).toBe(0)
    }),
  )
})

test('a clock that steps back gives nothing away', () => {
  const step = fc.double({ min: -5_000, max: 5_000, noNaN: true })
  fc.assert(
    fc.property(rate, fc.array(step, { maxLength: 150 }), (rate, steps) => {
      const bucket = new TokenBucket(shapeOf(rate))
      let nowMs = 0
      let latestMs = 0
      let taken = 0
      for (const step of steps) {
        nowMs = Math.max(0, nowMs + step)
        latestMs = Math.max(latestMs, nowMs)
        if (bucket.take(nowMs) === 0) taken++
        expect(taken).toBeLessThanOrEqual(rate.burst + (rate.perS * latestMs) / 1000 + SLACK)
      }
    }),
  )
})

test('who waits until a debt is paid keeps the rate over time', () => {
  const chunks = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 100 })
  fc.assert(
    fc.property(rate, chunks, (rate, chunks) => {
      const bucket = new TokenBucket(shapeOf(rate))
      let nowMs = 0
      let before = 0
      for (const chunk of chunks) {
        expect(before).toBeLessThanOrEqual(rate.burst + (rate.perS * nowMs) / 1000 + SLACK)
        nowMs += bucket.charge(chunk, nowMs)
        before += chunk
      }
    }),
  )
})

test('a rate of 0 has no limit', () => {
  const bucket = new TokenBucket(shapeOf({ perS: 0, burst: 1 }))
  for (let i = 0; i < 1_000; i++) expect(bucket.take(0)).toBe(0)
  expect(bucket.charge(1e9, 0)).toBe(0)
})
