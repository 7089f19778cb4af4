import { until, within } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { appendAll, freshTopic, type LogSubject, numbered, outgoing } from './log-subject.ts'
import { RecordingHandler } from './recording-handler.ts'

const WRITERS = 12
const KEYS = 25

/** What readers of a compacted log are promised. */
export function compactionContract(subject: () => LogSubject): void {
  describe('compaction', () => {
    // Many producers leave many batches behind: Kafka keeps an emptied batch to remember its producer's numbering.
    test('a reader from the start passes ranges that were emptied', { timeout: 90_000 }, async () => {
      const topic = await freshTopic(subject(), 2, subject().cleanableConfigs)
      const keys = Array.from({ length: KEYS }, (_, index) => `k${index}`)
      for (let writer = 0; writer < WRITERS; writer++)
        await appendAll(
          subject().log,
          keys.flatMap((key) =>
            [0, 1].map((partition) => outgoing(topic, partition, key, `${writer}`.repeat(200))),
          ),
        )
      for (let writer = 0; writer < WRITERS; writer++) {
        const own = keys.filter((_, index) => index % WRITERS === writer)
        await appendAll(
          subject().log,
          own.flatMap((key) => [0, 1].map((partition) => outgoing(topic, partition, key, null))),
        )
      }
      await subject().compact(topic, 0)
      await appendAll(subject().log, [outgoing(topic, 0, 'last'), outgoing(topic, 1, 'last')])

      const handler = new RecordingHandler()
      const consumer = subject().log.consumer({
        groupId: `${topic}.group`,
        topics: [topic],
        exclusive: true,
        fetchBytesMax: 100,
      })
      await consumer.start(handler)
      const ends = async () => {
        const admin = await subject().log.admin()
        const offsets = await admin.offsets(topic)
        await admin.close()
        return offsets.map(({ end }) => end)
      }
      const [end] = await ends()
      await until(
        () => [0, 1].every((partition) => handler.nextOffsets.get(`${topic}:${partition}`) === end),
        {
          what: 'the end of both partitions',
          deadlineMs: 20_000,
        },
      )
      expect(handler.values.filter((value) => value === 'last')).toHaveLength(2)
      expect(handler.batches.some(({ records }) => records.length === 0)).toBe(true)
      expect(handler.violations).toEqual([])
      await consumer.stop()
    })

    test('of one key the highest offset stays', { timeout: 90_000 }, async () => {
      const topic = await freshTopic(subject(), 1, subject().cleanableConfigs)
      for (const round of ['a', 'b', 'c'])
        await appendAll(
          subject().log,
          numbered(topic, 0, 10).map((record) => ({ ...record, value: Buffer.from(round) })),
        )
      await subject().compact(topic, 10)
      const values: string[] = []
      const reading = subject().log.readToEnd(topic, (batch) => {
        for (const { key, value } of batch.records)
          if (key?.toString().startsWith('k')) values.push(value?.toString() ?? '∅')
      })
      await within(20_000, 'the end', reading)
      expect(values).toEqual(Array(10).fill('c'))
    })
  })
}
