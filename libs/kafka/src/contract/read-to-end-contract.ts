import { describe, expect, test } from 'vitest'
import type { RecordBatch } from '../port.ts'
import { appendAll, freshTopic, type LogSubject, numbered } from './log-subject.ts'

/** What `readToEnd` promises. */
export function readToEndContract(subject: () => LogSubject): void {
  describe('readToEnd', () => {
    test('reads every partition to its end, one batch at a time', async () => {
      const topic = await freshTopic(subject(), 3)
      await appendAll(subject().log, [...numbered(topic, 0, 50), ...numbered(topic, 2, 7)])
      const batches: RecordBatch[] = []
      let running = 0
      await subject().log.readToEnd(topic, async (batch) => {
        expect(++running).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        batches.push(batch)
      })
      const count = (partition: number) =>
        batches.filter((batch) => batch.partition === partition).flatMap(({ records }) => records).length
      expect([count(0), count(1), count(2)]).toEqual([50, 0, 7])
      expect(batches.filter(({ partition }) => partition === 0).at(-1)).toMatchObject({
        nextOffset: 50,
        endOffset: 50,
      })
    })

    test('ends at the end it found, although the log goes on', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 20))
      const values: string[] = []
      let late: Promise<unknown> | null = null
      await subject().log.readToEnd(topic, async ({ records }) => {
        late ??= appendAll(subject().log, numbered(topic, 0, 20, 20))
        await late
        for (const { value } of records) values.push(value?.toString() ?? '∅')
      })
      expect(values).toEqual(Array.from({ length: 20 }, (_, index) => `v${index}`))
    })

    test('an empty topic is at its end', async () => {
      const topic = await freshTopic(subject(), 2)
      let batches = 0
      await subject().log.readToEnd(topic, () => void batches++)
      expect(batches).toBe(0)
    })

    test('reads stretches of some partitions', async () => {
      const topic = await freshTopic(subject(), 3)
      await appendAll(subject().log, [
        ...numbered(topic, 0, 20),
        ...numbered(topic, 1, 20),
        ...numbered(topic, 2, 5),
      ])
      const read: string[] = []
      const stretches = new Map([
        [0, { from: 4, until: 7 }],
        [2, { from: 3 }],
      ])
      await subject().log.readToEnd(
        topic,
        ({ partition, records }) => void read.push(...records.map(({ offset }) => `${partition}:${offset}`)),
        stretches,
      )
      expect(read.sort()).toEqual(['0:4', '0:5', '0:6', '2:3', '2:4'])
      await subject().log.readToEnd(topic, () => expect.unreachable(), new Map([[1, { from: 20 }]]))
    })

    test('rejects with what the callback threw', async () => {
      const topic = await freshTopic(subject())
      await appendAll(subject().log, numbered(topic, 0, 1))
      const reading = subject().log.readToEnd(topic, () => Promise.reject(new Error('no')))
      await expect(reading).rejects.toThrow('no')
    })

    test('a topic that does not exist is a fatal fault', async () => {
      const reading = subject().log.readToEnd('contract.no-such-topic', () => undefined)
      await expect(reading).rejects.toThrow(/topic-mismatch/)
    })
  })
}
