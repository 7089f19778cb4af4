import { until } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { LogRecord } from '../port.ts'
import { appendAll, freshTopic, type LogSubject, numbered, outgoing } from './log-subject.ts'

/** What a producer promises. */
export function appendContract(subject: () => LogSubject): void {
  const readAll = async (topic: string): Promise<LogRecord[]> => {
    const records: LogRecord[] = []
    await subject().log.readToEnd(topic, (batch) => void records.push(...batch.records))
    return records
  }

  describe('append', () => {
    test('answers where the record lies: partition as given, offsets in order of the calls', async () => {
      const topic = await freshTopic(subject(), 3)
      const records = Array.from({ length: 90 }, (_, index) => outgoing(topic, index % 3, `k${index}`))
      const placements = await appendAll(subject().log, records)
      expect(placements).toEqual(
        records.map((_, index) => ({ topic, partition: index % 3, offset: Math.floor(index / 3) })),
      )
      const stored = await readAll(topic)
      for (const [index, { partition, offset }] of placements.entries()) {
        const found = stored.find((record) => record.partition === partition && record.offset === offset)
        expect(found?.key?.toString()).toBe(`k${index}`)
      }
    })

    test('keeps key, value, null values, headers and gives the append time', async () => {
      const topic = await freshTopic(subject())
      const beforeMs = Date.now()
      const value = Buffer.from([0, 1, 255, 254])
      const headers = { traceparent: '00-aé', empty: '' }
      await appendAll(subject().log, [
        { topic, partition: 0, key: 'é', value, headers },
        { topic, partition: 0, key: Buffer.from([1, 2]), value: null },
        { topic, partition: 0, key: 'empty', value: Buffer.alloc(0) },
      ])
      const [first, second, third] = await readAll(topic)
      expect(first).toMatchObject({ topic, partition: 0, offset: 0 })
      expect(first?.key?.toString()).toBe('é')
      expect(first?.value).toEqual(value)
      expect({ ...first?.headers }).toEqual(headers)
      expect(first?.timestampMs).toBeGreaterThanOrEqual(beforeMs - 1_000)
      expect(first?.timestampMs).toBeLessThanOrEqual(Date.now() + 1_000)
      expect(second?.key).toEqual(Buffer.from([1, 2]))
      expect(second?.value).toBeNull()
      expect(second?.headers).toEqual({})
      expect(third?.value).toEqual(Buffer.alloc(0))
    })

    test('keeps the order of one producer over many batches, large and small', async () => {
      const topic = await freshTopic(subject())
      const producer = await subject().log.producer({ batchRecordsMax: 7, batchBytesMax: 20_000 })
      const values = Array.from({ length: 300 }, (_, index) =>
        `${index}:`.padEnd(index % 11 === 0 ? 9_000 : 5, 'x'),
      )
      const results = await Promise.all(
        values.map((value, index) => producer.append(outgoing(topic, 0, `k${index}`, value))),
      )
      await producer.close()
      expect(results.map((result) => result.ok && result.value.offset)).toEqual(
        values.map((_, index) => index),
      )
      expect((await readAll(topic)).map(({ value }) => value?.toString())).toEqual(values)
    })

    test('two producers at a time never share a place', async () => {
      const topic = await freshTopic(subject(), 2)
      const halves = await Promise.all(
        [0, 1_000].map((from) =>
          appendAll(subject().log, [...numbered(topic, 0, 100, from), ...numbered(topic, 1, 100, from)]),
        ),
      )
      const places = new Set(halves.flat().map(({ partition, offset }) => `${partition}:${offset}`))
      expect(places.size).toBe(400)
      expect(await readAll(topic)).toHaveLength(400)
    })

    test('a full queue refuses at once and keeps what it accepted', async () => {
      const topic = await freshTopic(subject())
      const producer = await subject().log.producer({ pendingRecordsMax: 5 })
      const results = await Promise.all(numbered(topic, 0, 8).map((record) => producer.append(record)))
      expect(results.map((result) => (result.ok ? 'ok' : result.fault.code))).toEqual([
        ...Array(5).fill('ok'),
        ...Array(3).fill('queue-full'),
      ])
      expect(producer.pendingRecords).toBe(0)
      expect((await producer.append(outgoing(topic, 0, 'later'))).ok).toBe(true)
      await producer.close()
    })

    test('bytes bound the queue too', async () => {
      const topic = await freshTopic(subject())
      const producer = await subject().log.producer({ pendingBytesMax: 10_000 })
      const results = await Promise.all(
        [1, 2, 3].map((key) => producer.append(outgoing(topic, 0, `k${key}`, 'x'.repeat(4_500)))),
      )
      expect(results.map((result) => (result.ok ? 'ok' : result.fault.code))).toEqual([
        'ok',
        'ok',
        'queue-full',
      ])
      await producer.close()
    })

    test('closing sends what is pending, then refuses', async () => {
      const topic = await freshTopic(subject())
      const producer = await subject().log.producer({ lingerMs: 5_000 })
      const pending = producer.append(outgoing(topic, 0, 'last'))
      await producer.close()
      expect(await pending).toMatchObject({ ok: true, value: { offset: 0 } })
      expect(await producer.append(outgoing(topic, 0, 'too late'))).toMatchObject({
        ok: false,
        fault: { code: 'shutting-down' },
      })
    })

    test('a linger gathers company', async () => {
      const topic = await freshTopic(subject())
      const producer = await subject().log.producer({ lingerMs: 30 })
      const first = producer.append(outgoing(topic, 0, 'a'))
      await until(() => producer.pendingRecords === 1, { what: 'the first record pending' })
      const second = producer.append(outgoing(topic, 0, 'b'))
      expect(producer.pendingRecords).toBe(2)
      expect(await first).toMatchObject({ ok: true, value: { offset: 0 } })
      expect(await second).toMatchObject({ ok: true, value: { offset: 1 } })
      await producer.close()
    })

    test('a topic or partition that does not exist is a fatal fault', async () => {
      const topic = await freshTopic(subject(), 2)
      const producer = await subject().log.producer()
      const missing = await producer.append(outgoing('contract.no-such-topic', 0, 'k'))
      expect(missing).toMatchObject({ ok: false, fault: { code: 'topic-mismatch', kind: 'fatal' } })
      const beyond = await producer.append(outgoing(topic, 2, 'k'))
      expect(beyond).toMatchObject({ ok: false, fault: { code: 'topic-mismatch', kind: 'fatal' } })
      expect((await producer.append(outgoing(topic, 1, 'k'))).ok).toBe(true)
      await producer.close()
    })
  })
}
