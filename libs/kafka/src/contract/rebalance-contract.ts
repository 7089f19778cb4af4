import { until } from '@millrace/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import type { LogConsumer } from '../port.ts'
import { appendAll, freshTopic, type LogSubject, numbered } from './log-subject.ts'
import { RecordingHandler, type RecordingOptions } from './recording-handler.ts'

const PARTITIONS = [0, 1, 2, 3]

/** What members of one group promise each other. */
export function rebalanceContract(subject: () => LogSubject): void {
  const open: LogConsumer[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((consumer) => consumer.stop()))
  })

  const member = async (topics: readonly string[], recording: RecordingOptions = {}) => {
    const handler = new RecordingHandler(recording)
    const consumer = subject().log.consumer({ groupId: `${topics[0]}.group`, topics })
    open.push(consumer)
    await consumer.start(handler)
    return { handler, consumer }
  }

  describe('rebalance', () => {
    test('two members split the partitions, and one alone has them all again', async () => {
      const topic = await freshTopic(subject(), 4)
      const first = await member([topic])
      expect(first.handler.assigned.size).toBe(4)
      const second = await member([topic])
      await until(() => first.handler.assigned.size === 2 && second.handler.assigned.size === 2, {
        what: 'two partitions each',
      })
      expect(new Set([...first.handler.assigned, ...second.handler.assigned]).size).toBe(4)
      await second.consumer.stop()
      await until(() => first.handler.assigned.size === 4, { what: 'the first with all partitions' })
      expect([...first.handler.violations, ...second.handler.violations]).toEqual([])
    })

    test('nothing is lost or delivered to a former owner while members come and go', async () => {
      const topic = await freshTopic(subject(), 4)
      const watermarks = new Map<number, number>()
      const seen = new Set<string>()
      const recording: RecordingOptions = {
        start: ({ partition }) => watermarks.get(partition) ?? 0,
        onBatch: async ({ partition, records, nextOffset }) => {
          for (const { offset } of records) seen.add(`${partition}:${offset}`)
          watermarks.set(partition, Math.max(nextOffset, watermarks.get(partition) ?? 0))
        },
      }
      const first = await member([topic], recording)
      const handlers = [first.handler]
      for (const round of [0, 1, 2]) {
        const writing = appendAll(
          subject().log,
          PARTITIONS.flatMap((partition) => numbered(topic, partition, 50, round * 50)),
        )
        const guest = await member([topic], recording)
        handlers.push(guest.handler)
        await writing
        await guest.consumer.stop()
      }
      await until(() => seen.size === 600, { what: 'all records once' })
      expect(handlers.flatMap(({ violations }) => violations)).toEqual([])
    })

    test('a running batch is aborted and awaited before its partition moves', async () => {
      const topic = await freshTopic(subject(), 2)
      await appendAll(subject().log, [...numbered(topic, 0, 5), ...numbered(topic, 1, 5)])
      let aborted = 0
      const first = await member([topic], {
        onBatch: (_, signal) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              aborted++
              setTimeout(resolve, 30)
            }),
          ),
      })
      const second = await member([topic])
      await until(() => second.handler.values.length === 5, { what: 'the partition that moved' })
      expect(aborted).toBeGreaterThan(0)
      expect(first.handler.violations).toEqual([])
    })

    test('equal partitions of two topics stay together', async () => {
      const topics = [await freshTopic(subject(), 4), await freshTopic(subject(), 4)]
      const first = await member(topics)
      const second = await member(topics)
      await until(() => first.handler.assigned.size === 4 && second.handler.assigned.size === 4, {
        what: 'four partitions each',
      })
      for (const { handler } of [first, second]) {
        const numbers = [...handler.assigned].map((key) => key.split(':').at(-1))
        expect(new Set(numbers).size).toBe(2)
      }
    })

    test('a member without partitions waits for its turn', async () => {
      const topic = await freshTopic(subject(), 1)
      const first = await member([topic])
      const second = await member([topic])
      await until(() => first.handler.assigned.size + second.handler.assigned.size === 1, {
        what: 'one owner',
      })
      const [owner, other] = first.handler.assigned.size === 1 ? [first, second] : [second, first]
      await owner.consumer.stop()
      await until(() => other.handler.assigned.size === 1, { what: 'the other takes over' })
    })
  })
}
