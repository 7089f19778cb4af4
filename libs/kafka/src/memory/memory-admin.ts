import { partitionKey } from '../consuming/backend.ts'
import type { LogAdmin, TopicDescription } from '../port.ts'
import type { MemoryGroup } from './memory-group.ts'
import type { MemoryTopics } from './memory-topics.ts'

export function memoryAdmin(topics: MemoryTopics, groups: Map<string, MemoryGroup>): LogAdmin {
  return {
    async describeTopic(name): Promise<TopicDescription | null> {
      topics.demandAvailable()
      return topics.specOf(name)
    },
    async createTopic(spec) {
      topics.demandAvailable()
      topics.create(spec)
    },
    async alterTopicConfigs(name, configs) {
      topics.demandAvailable()
      topics.alter(name, configs)
    },
    async deleteTopic(name) {
      topics.demandAvailable()
      topics.delete(name)
    },
    async offsets(topic) {
      topics.demandAvailable()
      return topics
        .topic(topic)
        .partitions.map(({ earliest, end }, partition) => ({ partition, earliest, end }))
    },
    async groupOffsets(groupId, topic) {
      topics.demandAvailable()
      const offsets = groups.get(groupId)?.offsets
      return topics.topic(topic).partitions.map((_, partition) => ({
        partition,
        offset: offsets?.get(partitionKey({ topic, partition })) ?? null,
      }))
    },
    async describeGroups() {
      topics.demandAvailable()
      return [...groups].map(([groupId, { members }]) => ({
        groupId,
        state: members.length === 0 ? 'Empty' : 'Stable',
        members,
      }))
    },
    async deleteGroup(groupId) {
      topics.demandAvailable()
      groups.delete(groupId)
    },
    async close() {},
  }
}
