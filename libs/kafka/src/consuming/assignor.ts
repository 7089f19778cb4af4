import type { TopicPartition } from '../port.ts'

/** Named in the group protocol: members with another assignor cannot share a group. */
export const ASSIGNOR_NAME = 'millrace-copartition'

/**
 * Spreads partitions over members so that the same partition of every topic goes to the same member: topics with equal
 * partition counts (events, tombstones) stay together. `members` are sorted, so that every leader decides alike.
 */
export function assignPartitions(
  memberIds: readonly string[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const members = [...memberIds].sort()
  const assignment = new Map<string, TopicPartition[]>(members.map((member) => [member, []]))
  for (const topic of [...partitionCounts.keys()].sort()) {
    const count = partitionCounts.get(topic) ?? 0
    for (let partition = 0; partition < count; partition++) {
      const member = members[partition % members.length]
      if (member !== undefined) assignment.get(member)?.push({ topic, partition })
    }
  }
  return assignment
}
