import { within } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { RecordingHandler } from '../contract/recording-handler.ts'
import type { ConsumerBackend, Membership } from './backend.ts'
import { partitionKey } from './backend.ts'
import { GroupConsumer, resolveConsumerOptions } from './group-consumer.ts'
import type { Lane } from './lane.ts'

const AT = { topic: 't', partition: 0 }
const OPTIONS = resolveConsumerOptions({ groupId: 'g', topics: ['t'], stallTimeoutMs: 80 })

/** A backend that has records and never hands them over. */
class StuckBackend implements ConsumerBackend {
  end = 5
  closed = 0
  lanes: readonly Lane[] = []

  async join(): Promise<Membership> {
    return { partitions: [AT], over: new Promise(() => undefined) }
  }

  async ranges() {
    return new Map([[partitionKey(AT), { earliest: 0, end: this.end }]])
  }

  read(lanes: readonly Lane[], _: unknown, signal: AbortSignal): Promise<void> {
    this.lanes = lanes
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {
    this.closed++
  }
}

test('a reader that stands still before the end ends with consumer-stalled, and lets go of everything', async () => {
  const backend = new StuckBackend()
  const handler = new RecordingHandler()
  const consumer = new GroupConsumer(backend, OPTIONS)
  await consumer.start(handler)
  const ended = await within(2_000, 'the end', consumer.ended)
  expect(ended).toMatchObject({ ok: false, fault: { code: 'consumer-stalled', kind: 'transient' } })
  expect(handler.revocations).toBe(1)
  expect(backend.closed).toBe(1)
})

test('an owner that takes its time is no stall', async () => {
  const backend = new StuckBackend()
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const handler = new RecordingHandler({ onBatch: () => held })
  const consumer = new GroupConsumer(backend, OPTIONS)
  await consumer.start(handler)
  backend.lanes[0]?.push({ ...AT, records: [], nextOffset: 3, endOffset: 5 }, 0)
  const early = await Promise.race([consumer.ended, new Promise((resolve) => setTimeout(resolve, 400))])
  expect(early).toBeUndefined()
  release()
  expect(await within(2_000, 'the end', consumer.ended)).toMatchObject({
    fault: { code: 'consumer-stalled' },
  })
})

test('an end that is known late is waited for', async () => {
  const backend = new StuckBackend()
  backend.end = 3
  const handler = new RecordingHandler({ start: () => 5 })
  const consumer = new GroupConsumer(backend, OPTIONS)
  const starting = consumer.start(handler)
  setTimeout(() => {
    backend.end = 5
  }, 150)
  await within(2_000, 'the start', starting)
  expect(backend.lanes[0]?.position).toBe(5)
  await consumer.stop()
})

test('a consumer that never started stops at once', async () => {
  const consumer = new GroupConsumer(new StuckBackend(), OPTIONS)
  await consumer.stop()
  expect(await consumer.ended).toEqual({ ok: true, value: undefined })
})
