import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { testKafkaBrokers, until, within } from '@millrace/testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { kafkaConfig, openKafkaSubject } from '../contract/kafka-subject.ts'
import { appendAll, freshTopic, type LogSubject, numbered } from '../contract/log-subject.ts'
import { RecordingHandler } from '../contract/recording-handler.ts'
import { ClusterHandle } from './cluster-handle.ts'
import { joinGroup } from './consume/group-protocol.ts'
import { silentLogger } from './kafka-logger.ts'

const READER = fileURLToPath(new URL('../contract/reader-process.ts', import.meta.url))

/** Kafka's default for the shortest session it allows. */
const SESSION_MS = 6_000

let subject: LogSubject
const children: ChildProcess[] = []
beforeAll(async () => {
  subject = await openKafkaSubject(testKafkaBrokers())
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => subject.close())

async function killedReader(groupId: string, topic: string, exclusive: boolean): Promise<void> {
  const brokers = testKafkaBrokers().join(',')
  const child = spawn(
    process.execPath,
    [READER, brokers, groupId, topic, String(exclusive), String(SESSION_MS)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.push(child)
  await within(20_000, 'the first batch of the other process', once(child.stdout, 'data'))
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('an exclusive reader that was killed reads again within two seconds', async () => {
  const topic = await freshTopic(subject, 2)
  await appendAll(subject.log, numbered(topic, 0, 5))
  await killedReader(`${topic}.group`, topic, true)
  const startedMs = performance.now()
  const handler = new RecordingHandler()
  const consumer = subject.log.consumer({ groupId: `${topic}.group`, topics: [topic], exclusive: true })
  await consumer.start(handler)
  await until(() => handler.values.length === 5, { what: 'all records' })
  expect(performance.now() - startedMs).toBeLessThan(2_000)
  await consumer.stop()
})

test('members that somebody left in the group of an exclusive reader are removed, and it may commit', async () => {
  const topic = await freshTopic(subject, 2)
  const groupId = `${topic}.group`
  const handle = new ClusterHandle(kafkaConfig(testKafkaBrokers()), { requestTimeoutMs: 5_000 }, silentLogger)
  const joining = {
    groupId,
    topics: [topic],
    sessionTimeoutMs: 60_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
  }
  await joinGroup(await handle.connected([topic]), joining)
  await handle.close()
  const consumer = subject.log.consumer({ groupId, topics: [topic], exclusive: true })
  await consumer.start(new RecordingHandler())
  await consumer.commit([{ topic, partition: 0, offset: 0 }])
  const admin = await subject.log.admin()
  expect((await admin.groupOffsets(groupId, topic))[0]).toEqual({ partition: 0, offset: 0 })
  const group = (await admin.describeGroups()).find((described) => described.groupId === groupId)
  expect(group).toMatchObject({ state: 'Empty', members: [] })
  await consumer.stop()
})

test('the partitions of a member that was killed go to the others once its session is over', async () => {
  const topic = await freshTopic(subject, 2)
  await appendAll(subject.log, numbered(topic, 0, 5))
  await killedReader(`${topic}.group`, topic, false)
  const handler = new RecordingHandler()
  const consumer = subject.log.consumer({
    groupId: `${topic}.group`,
    topics: [topic],
    sessionTimeoutMs: SESSION_MS,
  })
  await within(25_000, 'the assignment', consumer.start(handler))
  await until(() => handler.values.length === 5, { what: 'all records' })
  await consumer.stop()
})
