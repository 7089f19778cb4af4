import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BloomFilter, hashOfHex } from './bloom-filter.ts'
import { KnownLog } from './known-keys.ts'

const idOf = (n: number | string) => hash('sha256', String(n), 'hex')

test('never says no to what was added', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(), { maxLength: 300 }), (numbers) => {
      const filter = new BloomFilter(100)
      for (const n of numbers) filter.add(hashOfHex(idOf(n)))
      expect(numbers.every((n) => filter.mayHave(hashOfHex(idOf(n))))).toBe(true)
    }),
  )
})

test('at capacity it takes fewer than 1 in 500 unknown ids for known', () => {
  const filter = new BloomFilter(10_000)
  for (let n = 0; n < 10_000; n++) filter.add(hashOfHex(idOf(n)))
  let wrong = 0
  for (let n = 0; n < 20_000; n++) if (filter.mayHave(hashOfHex(idOf(`other ${n}`)))) wrong++
  expect(wrong).toBeLessThan(40)
  expect(filter.count).toBeGreaterThan(9_980)
})

test('the known log answers perhaps until it is complete, then grows past what was expected', () => {
  const known = new KnownLog(1_000)
  expect(known.mayHaveId(idOf(1))).toBe(true)
  expect(known.mayHaveAddress('0:a:')).toBe(true)
  known.markComplete()
  expect(known.mayHaveId(idOf(1))).toBe(false)
  const before = known.bytes
  for (let n = 0; n < 10_000; n++) known.addId(idOf(n))
  for (let n = 0; n < 10_000; n++) expect(known.mayHaveId(idOf(n))).toBe(true)
  let wrong = 0
  for (let n = 0; n < 10_000; n++) if (known.mayHaveId(idOf(`other ${n}`))) wrong++
  expect(wrong).toBeLessThan(100)
  expect(known.bytes).toBeGreaterThan(before)
  known.addAddress('30023:a:d')
  expect(known.mayHaveAddress('30023:a:d')).toBe(true)
  expect(known.mayHaveAddress('30023:a:e')).toBe(false)
})
