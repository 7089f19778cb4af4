import { until } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogAdmin } from '../port.ts'
import { appendAll, freshTopic, type LogSubject, numbered } from './log-subject.ts'
import { RecordingHandler } from './recording-handler.ts'

/** What the admin face promises. */
export function adminContract(subject: () => LogSubject): void {
  describe('admin', () => {
    let admin: LogAdmin
    beforeAll(async () => {
      admin = await subject().log.admin()
    })
    afterAll(() => admin.close())

    test('a topic that does not exist is null', async () => {
      expect(await admin.describeTopic('contract.no-such-topic')).toBeNull()
    })

    test('creates a topic with its configs, and leaves one that exists alone', async () => {
      const topic = await freshTopic(subject(), 3, { 'segment.ms': '60000' })
      const described = await admin.describeTopic(topic)
      expect(described).toMatchObject({
        name: topic,
        partitionCount: 3,
        replicationFactor: 1,
        configs: { 'cleanup.policy': 'compact', 'segment.ms': '60000' },
      })
      await admin.createTopic({ name: topic, partitionCount: 5, replicationFactor: 1, configs: {} })
      expect(await admin.describeTopic(topic)).toEqual(described)
    })

    test('alters the named configs and no other', async () => {
      const topic = await freshTopic(subject(), 1, { 'segment.ms': '60000' })
      await admin.alterTopicConfigs(topic, { 'max.message.bytes': '1234567' })
      const configs = () => admin.describeTopic(topic).then((described) => described?.configs)
      await until(async () => (await configs())?.['max.message.bytes'] === '1234567', {
        what: 'the new config',
      })
      expect(await configs()).toMatchObject({ 'segment.ms': '60000', 'cleanup.policy': 'compact' })
    })

    test('knows the offsets of every partition', async () => {
      const topic = await freshTopic(subject(), 3)
      await appendAll(subject().log, numbered(topic, 1, 12))
      expect(await admin.offsets(topic)).toEqual([
        { partition: 0, earliest: 0, end: 0 },
        { partition: 1, earliest: 0, end: 12 },
        { partition: 2, earliest: 0, end: 0 },
      ])
    })

    test('deletes a topic', async () => {
      const topic = await freshTopic(subject())
      await admin.deleteTopic(topic)
      expect(await admin.describeTopic(topic)).toBeNull()
      await admin.deleteTopic(topic)
    })

    test('shows the members of a group, and a group that everybody left as empty', async () => {
      const topic = await freshTopic(subject())
      const groupId = `${topic}.group`
      const group = async () =>
        (await admin.describeGroups()).find((described) => described.groupId === groupId)
      const consumer = subject().log.consumer({ groupId, topics: [topic] })
      await consumer.start(new RecordingHandler())
      await until(async () => (await group())?.members.length === 1, { what: 'one member' })
      await consumer.commit([{ topic, partition: 0, offset: 0 }])
      await consumer.stop()
      await until(async () => (await group())?.state === 'Empty', { what: 'an empty group' })
      await admin.deleteGroup(groupId)
      expect(await group()).toBeUndefined()
      await admin.deleteGroup(groupId)
    })
  })
}
