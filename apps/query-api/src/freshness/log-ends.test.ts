import { createMemoryLog, type Log } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { KafkaLogEnds } from './log-ends.ts'

const topic = { name: TOPICS.events, partitionCount: 2, replicationFactor: 1, configs: {} }

async function append(log: Log, partition: number): Promise<void> {
  const producer = await log.producer()
  unwrap(await producer.append({ topic: TOPICS.events, partition, key: 'k', value: null }))
  await producer.close()
}

test('where each partition ends', async () => {
  const log = createMemoryLog({ topics: [topic] })
  await append(log, 1)
  const ends = await new KafkaLogEnds(log, 5_000).read()
  expect(ends?.ends).toEqual(
    new Map([
      [0, 0],
      [1, 1],
    ]),
  )
})

/** A log whose broker answers when it is told to. */
function slowLog() {
  const log = createMemoryLog({ topics: [topic] })
  let questions = 0
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const admin = async () => {
    const inner = await log.admin()
    const offsets = async (name: string) => {
      questions++
      await released
      return inner.offsets(name)
    }
    return { ...inner, offsets }
  }
  return { admin, release, questions: () => questions }
}

test('a broker that does not answer is waited for once, then not at all', async () => {
  const { admin, release, questions } = slowLog()
  const reader = new KafkaLogEnds({ admin }, 100)
  expect(await Promise.all([reader.read(), reader.read()])).toEqual([null, null])
  const startedMs = performance.now()
  for (let i = 0; i < 50; i++) expect(await reader.read()).toBeNull()
  expect(performance.now() - startedMs).toBeLessThan(100)
  expect(questions()).toBe(1)
  release()
  expect(await until(() => reader.read(), { what: 'the late answer' })).toMatchObject({
    ends: expect.any(Map),
  })
})

test('a broker that refuses is no reason to fail', async () => {
  const log = createMemoryLog()
  expect(await new KafkaLogEnds(log, 5_000).read()).toBeNull()
})
