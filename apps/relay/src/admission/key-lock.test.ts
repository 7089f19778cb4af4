import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyLock } from './key-lock.ts'

test('work of one key runs one at a time and in order, that of others beside it; nothing stays behind', async () => {
  const job = fc.record({ key: fc.constantFrom('a', 'b', 'c'), ticks: fc.nat(4), fails: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(job, { maxLength: 30 }), async (jobs) => {
      const lock = new KeyLock()
      const running = new Set<string>()
      const order = new Map<string, number[]>()
      const results = await Promise.allSettled(
        jobs.map(({ key, ticks, fails }, index) =>
          lock.run(key, async () => {
            expect(running.has(key)).toBe(false)
            running.add(key)
            for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
            running.delete(key)
            order.set(key, [...(order.get(key) ?? []), index])
            if (fails) throw new Error('fails')
            return index
          }),
        ),
      )
      for (const indexes of order.values()) expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
      expect(results.map(({ status }) => status === 'rejected')).toEqual(jobs.map(({ fails }) => fails))
      expect(lock.size).toBe(0)
    }),
  )
})
