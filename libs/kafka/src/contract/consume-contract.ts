import { delayMs, FaultError, fatal, invalid } from '@millrace/kernel'
import { until, within } from '@millrace/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import type { ConsumerOptions, LogConsumer } from '../port.ts'
import { appendAll, freshTopic, type LogSubject, numbered } from './log-subject.ts'
import { RecordingHandler, type RecordingOptions } from './recording-handler.ts'

/** What a consumer promises its owner. */
export function consumeContract(subject: () => LogSubject): void {
  const open: LogConsumer[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.stop()))
  })

  const consume = (topic: string, options: Partial<ConsumerOptions> = {}) => {
    const consumer = subject().log.consumer({ groupId: `${topic}.group`, topics: [topic], ...options })
    open.push(consumer)
    return consumer
  }
  const started = async (
    topic: string,
    recording: RecordingOptions = {},
    options: Partial<ConsumerOptions> = {},
  ) => {
    const handler = new RecordingHandler(recording)
    const consumer = consume(topic, options)
    await consumer.start(handler)
    return { consumer, handler }
  }

  describe.each([
    { mode: 'shared group', exclusive: false },
    { mode: 'exclusive group', exclusive: true },
  ])('consume ($mode)', ({ exclusive }) => {
    test('delivers every record in order, those of before and those of after the start', async () => {
      const topic = await freshTopic(subject(), 3)
      await appendAll(
        subject().log,
        [0, 1, 2].flatMap((partition) => numbered(topic, partition, 20)),
      )
      const { handler } = await started(topic, {}, { exclusive })
      expect(handler.assigned.size).toBe(3)
      await until(() => handler.values.length === 60, { what: 'the records of before' })
      await appendAll(subject().log, numbered(topic, 1, 20, 20))
      await until(() => handler.values.length === 80, { what: 'the records of after' })
      const second = handler.batches
        .filter(({ partition }) => partition === 1)
        .flatMap(({ records }) => records)
      expect(second.map(({ key }) => key?.toString())).toEqual(
        Array.from({ length: 40 }, (_, index) => `k${index}`),
      )
      expect(handler.violations).toEqual([])
    })

    test("starts at the owner's offset, at the first record or at the end", async () => {
      const topic = await freshTopic(subject(), 3)
      await appendAll(
        subject().log,
        [0, 1, 2].flatMap((partition) => numbered(topic, partition, 10)),
      )
      const starts = [7, 'earliest', 'latest'] as const
      const { handler } = await started(
        topic,
        { start: ({ partition }) => starts[partition] ?? 0 },
        { exclusive },
      )
      await until(() => handler.values.length === 13, { what: '3 + 10 + 0 records' })
      await appendAll(subject().log, numbered(topic, 2, 1, 99))
      await until(() => handler.values.includes('v99'), { what: 'what came after the end' })
      expect(handler.values).toHaveLength(14)
    })

    test('a reader that rests delivers all that comes meanwhile, and stops at once', async () => {
      const topic = await freshTopic(subject())
      const { consumer, handler } = await started(topic, {}, { exclusive, restMs: 300 })
      for (const round of [0, 1, 2, 3]) {
        await appendAll(subject().log, numbered(topic, 0, 5, 5 * round))
        await delayMs(40)
      }
      await until(() => handler.values.length === 20, { what: 'all records' })
      expect(handler.values).toEqual(Array.from({ length: 20 }, (_, index) => `v${index}`))
      const resting = await started(topic, {}, { exclusive, groupId: `${topic}.resting`, restMs: 60_000 })
      await until(() => resting.handler.values.length === 20, { what: 'what was there' })
      await within(5_000, 'both stop', Promise.all([consumer.stop(), resting.consumer.stop()]))
    })

    test('hands over at most batchRecordsMax records, and says how far the end is', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 25))
      const { handler } = await started(topic, {}, { exclusive, batchRecordsMax: 10 })
      await until(() => handler.values.length === 25, { what: 'all records' })
      const sizes = handler.batches.map(({ records }) => records.length)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
      expect(handler.batches.at(-1)).toMatchObject({ nextOffset: 25, endOffset: 25 })
      expect(handler.violations).toEqual([])
    })

    test('a busy partition waits for its owner; the others go on', async () => {
      const topic = await freshTopic(subject(), 3)
      const { release, releasedOrAborted } = hold()
      const { handler } = await started(
        topic,
        {
          onBatch: ({ partition }, signal) =>
            partition === 0 ? releasedOrAborted(signal) : Promise.resolve(),
        },
        { exclusive, fetchBytesMax: 2_000, batchRecordsMax: 50 },
      )
      for (const round of [0, 1, 2, 3])
        await appendAll(
          subject().log,
          [0, 1, 2].flatMap((partition) => numbered(topic, partition, 100, round * 100)),
        )
      await until(() => handler.values.length === 800, { what: 'partitions 1 and 2 complete' })
      expect(handler.batches.some(({ partition }) => partition === 0)).toBe(false)
      release()
      await until(() => handler.values.length === 1_200, { what: 'partition 0 complete' })
      expect(handler.violations).toEqual([])
    })

    test('runs no more callbacks at a time than asked', async () => {
      const topic = await freshTopic(subject(), 4)
      await appendAll(
        subject().log,
        [0, 1, 2, 3].flatMap((partition) => numbered(topic, partition, 30)),
      )
      let running = 0
      let most = 0
      const { handler } = await started(
        topic,
        {
          onBatch: async () => {
            most = Math.max(most, ++running)
            await new Promise((resolve) => setImmediate(resolve))
            running--
          },
        },
        { exclusive, partitionsConcurrent: 2, batchRecordsMax: 5 },
      )
      await until(() => handler.values.length === 120, { what: 'all records' })
      expect(most).toBeLessThanOrEqual(2)
    })

    test('stop aborts the signal, waits for the callback and gives the partitions back', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 3))
      let entered = false
      const { consumer, handler } = await started(
        topic,
        {
          onBatch: (_, signal) => {
            entered = true
            return new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 20)))
          },
        },
        { exclusive },
      )
      await until(() => entered, { what: 'the callback running' })
      await consumer.stop()
      expect(handler.batches).toHaveLength(1)
      expect(handler.revocations).toBe(1)
      expect(handler.assigned.size).toBe(0)
      expect(handler.violations).toEqual([])
      expect(await consumer.ended).toEqual({ ok: true, value: undefined })
    })

    test('a watermark past the end is a fatal fault, not a new start', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 3))
      const consumer = consume(topic, { exclusive })
      const handler = new RecordingHandler({ start: () => 4 })
      await expect(consumer.start(handler)).rejects.toThrow(/watermark-past-end/)
      expect(await consumer.ended).toMatchObject({
        ok: false,
        fault: { code: 'watermark-past-end', kind: 'fatal' },
      })
      expect(handler.batches).toEqual([])
    })

    test('a watermark below the first record starts at that record', async () => {
      const topic = await freshTopic(subject(), 1, { 'cleanup.policy': 'delete' })
      await appendAll(subject().log, numbered(topic, 0, 10))
      await subject().deleteBefore(topic, 0, 6)
      const { handler } = await started(topic, { start: () => 2 }, { exclusive })
      await until(() => handler.values.length === 4, { what: 'what is left' })
      expect(handler.values).toEqual(['v6', 'v7', 'v8', 'v9'])
    })

    test('a head that goes while its reader is behind is passed', async () => {
      const topic = await freshTopic(subject(), 1, { 'cleanup.policy': 'delete' })
      await appendAll(subject().log, numbered(topic, 0, 100))
      const { release, releasedOrAborted } = hold()
      const { handler } = await started(
        topic,
        { onBatch: (_, signal) => releasedOrAborted(signal) },
        { exclusive, batchRecordsMax: 5, fetchBytesMax: 200 },
      )
      await appendAll(subject().log, numbered(topic, 0, 100, 100))
      await subject().deleteBefore(topic, 0, 190)
      release()
      await until(() => handler.nextOffsets.get(`${topic}:0`) === 200, { what: 'the end' })
      expect(handler.values.slice(-10)).toEqual(Array.from({ length: 10 }, (_, index) => `v${190 + index}`))
      expect(handler.violations).toEqual([])
    })

    test('what the owner refuses to start from ends the consumer', async () => {
      const topic = await freshTopic(subject())
      const consumer = consume(topic, { exclusive })
      const handler = new RecordingHandler({
        onAssign: () => Promise.reject(new FaultError(fatal('log-foreign', 'another log'))),
      })
      await expect(consumer.start(handler)).rejects.toThrow(/log-foreign/)
      expect(await consumer.ended).toMatchObject({ ok: false, fault: { code: 'log-foreign' } })
    })

    test('an owner whose store is away is asked again', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 3))
      let asked = 0
      const { handler } = await started(
        topic,
        {
          onAssign: () => (++asked < 3 ? Promise.reject(new Error('the store is away')) : Promise.resolve()),
        },
        { exclusive },
      )
      await until(() => handler.values.length === 3, { what: 'all records' })
      expect(asked).toBe(3)
    })

    test("the owner's failure ends the consumer with its fault", async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 3))
      const { consumer, handler } = await started(
        topic,
        { onBatch: () => Promise.reject(new FaultError(invalid('dead-letters-too-many', 'poison'))) },
        { exclusive },
      )
      const ended = await within(5_000, 'the end', consumer.ended)
      expect(ended).toMatchObject({ ok: false, fault: { code: 'dead-letters-too-many' } })
      expect(handler.revocations).toBe(1)
    })

    test('a topic that does not exist is a fatal fault', async () => {
      const consumer = consume('contract.no-such-topic', { exclusive })
      await expect(consumer.start(new RecordingHandler())).rejects.toThrow(/topic-mismatch/)
    })

    test('reports progress to the group', async () => {
      const topic = await freshTopic(subject(), 2)
      await appendAll(subject().log, numbered(topic, 1, 3))
      const { consumer, handler } = await started(topic, {}, { exclusive })
      await until(() => handler.values.length === 3, { what: 'all records' })
      await consumer.commit([{ topic, partition: 1, offset: 3 }])
      const admin = await subject().log.admin()
      expect(await admin.groupOffsets(`${topic}.group`, topic)).toEqual([
        { partition: 0, offset: null },
        { partition: 1, offset: 3 },
      ])
      await admin.close()
    })

    test('the same offsets are read again after a restart: the owner decides', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 5))
      const first = await started(topic, {}, { exclusive })
      await until(() => first.handler.values.length === 5, { what: 'all records' })
      await first.consumer.commit([{ topic, partition: 0, offset: 5 }])
      await first.consumer.stop()
      const second = await started(topic, { start: () => 2 }, { exclusive })
      await until(() => second.handler.values.length === 3, { what: 'the records from the watermark' })
      expect(second.handler.values).toEqual(['v2', 'v3', 'v4'])
    })
  })
}

/** Keeps callbacks waiting until the test lets them go, or the consumer ends. */
function hold() {
  const released = new AbortController()
  const releasedOrAborted = (signal: AbortSignal): Promise<void> =>
    delayMs(2 ** 31 - 1, AbortSignal.any([signal, released.signal]))
  return { release: () => released.abort(), releasedOrAborted }
}
