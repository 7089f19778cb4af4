import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentIds } from './recent-ids.ts'

const idOf = (number: number): string => createHash('sha256').update(String(number)).digest('hex')

test('holds what a list of the last so many holds, whatever comes in whatever order', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), numbers, (idsMax, added) => {
      const recent = new RecentIds(idsMax)
      const naive: string[] = []
      for (const id of added.map(idOf)) {
        recent.add(id)
        if (!naive.includes(id)) naive.push(id)
        if (naive.length > idsMax) naive.shift()
        expect(recent.size).toBe(naive.length)
      }
      for (let number = 0; number <= 40; number++)
        expect(recent.has(idOf(number))).toBe(naive.includes(idOf(number)))
    }),
  )
})

test('many more ids than it holds: the last ones are there, no other is', () => {
  const recent = new RecentIds(1_000)
  for (let number = 0; number < 20_000; number++) recent.add(idOf(number))
  for (let number = 0; number < 20_000; number++) expect(recent.has(idOf(number))).toBe(number >= 19_000)
})

test('ids that differ in one bit are different ids', () => {
  const recent = new RecentIds(10)
  const id = idOf(1)
  recent.add(id)
  const last = Number.parseInt(id.slice(-1), 16) ^ 1
  expect(recent.has(`${id.slice(0, -1)}${last.toString(16)}`)).toBe(false)
})
