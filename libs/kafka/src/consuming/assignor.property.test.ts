import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignPartitions } from './assignor.ts'
import { partitionKey } from './backend.ts'

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 9 })
const counts = fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), fc.nat(20), { maxKeys: 4 })

test('every partition has one owner, the shares are even, and the order of members does not matter', () => {
  fc.assert(
    fc.property(members, counts, (memberIds, byTopic) => {
      const partitionCounts = new Map(Object.entries(byTopic))
      const assignment = assignPartitions(memberIds, partitionCounts)
      const owned = [...assignment.values()].flat().map(partitionKey)
      const all = Object.entries(byTopic).flatMap(([topic, count]) =>
        Array.from({ length: count }, (_, partition) => partitionKey({ topic, partition })),
      )
      expect(owned.sort()).toEqual(all.sort())
      expect([...assignment.keys()].sort()).toEqual([...memberIds].sort())
      for (const topic of partitionCounts.keys()) {
        const shares = [...assignment.values()].map((own) => own.filter((at) => at.topic === topic).length)
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }
      expect(assignPartitions([...memberIds].reverse(), partitionCounts)).toEqual(assignment)
    }),
  )
})

test('equal partitions of all topics have the same owner', () => {
  const assignment = assignPartitions(
    ['b', 'a', 'c'],
    new Map([
      ['events', 8],
      ['tombstones', 8],
      ['settings', 1],
    ]),
  )
  for (const own of assignment.values()) {
    const of = (topic: string) => own.filter((at) => at.topic === topic).map(({ partition }) => partition)
    expect(of('events')).toEqual(of('tombstones'))
  }
})
