import { ManualClock, unwrap } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numbered, outgoing } from '../contract/log-subject.ts'
import { RecordingHandler } from '../contract/recording-handler.ts'
import type { RecordBatch } from '../port.ts'
import { createMemoryLog, type MemoryLog } from './memory-log.ts'

const TOPIC = { name: 't', partitionCount: 3, replicationFactor: 1, configs: {} }

async function append(log: MemoryLog, records: ReturnType<typeof numbered>): Promise<void> {
  const producer = await log.producer()
  for (const result of await Promise.all(records.map((record) => producer.append(record)))) unwrap(result)
  await producer.close()
}

/** The batches of a reader from the start to the end, as `partition:first+count`. */
async function interleaving(seed: number): Promise<readonly string[]> {
  const log = createMemoryLog({ seed, topics: [TOPIC] })
  await append(
    log,
    [0, 1, 2].flatMap((partition) => numbered('t', partition, 20)),
  )
  const seen: string[] = []
  const handler = new RecordingHandler({
    onBatch: async ({ partition, records }: RecordBatch) => {
      seen.push(`${partition}:${records[0]?.offset}+${records.length}`)
    },
  })
  const consumer = log.consumer({ groupId: 'g', topics: ['t'], batchRecordsMax: 6 })
  await consumer.start(handler)
  await until(() => handler.values.length === 60, { what: 'all records', intervalMs: 1 })
  expect(handler.violations).toEqual([])
  await log.close()
  return seen
}

describe('seeded interleaving', () => {
  test('the same seed gives the same interleaving, and every record in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        expect(await interleaving(seed)).toEqual(await interleaving(seed))
      }),
      { numRuns: 15 },
    )
  })

  test('seeds differ', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(interleaving))
    expect(new Set(all.map((seen) => seen.join())).size).toBe(4)
  })
})

describe('compaction', () => {
  test('keeps the last value of every key, at its offset, whatever was written', async () => {
    const write = fc.record({
      partition: fc.nat(2),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      value: fc.option(fc.constantFrom('1', '2', '3')),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 40 }), fc.boolean(), async (writes, erasedToo) => {
        const log = createMemoryLog({ topics: [TOPIC] })
        await append(
          log,
          writes.map(({ partition, key, value }) => outgoing('t', partition, key, value)),
        )
        const last = new Map(log.records('t').map((record) => [`${record.partition}:${record.key}`, record]))
        log.compact('t', { erasedToo })
        const expected = [...last.values()].filter(({ value }) => !(erasedToo && value === null))
        expect(new Set(log.records('t'))).toEqual(new Set(expected))
        const ends = await (await log.admin()).offsets('t')
        expect(ends.map(({ end }) => end)).toEqual(
          [0, 1, 2].map((number) => writes.filter(({ partition }) => partition === number).length),
        )
      }),
    )
  })
})

describe('a log that is switched off', () => {
  test('keeps appends waiting, and takes them in order when it is back', async () => {
    const log = createMemoryLog({ topics: [TOPIC] })
    const producer = await log.producer()
    log.setAvailable(false)
    const waiting = numbered('t', 0, 5).map((record) => producer.append(record))
    await new Promise((resolve) => setImmediate(resolve))
    expect(producer.pendingRecords).toBe(5)
    log.setAvailable(true)
    expect((await Promise.all(waiting)).map((result) => unwrap(result).offset)).toEqual([0, 1, 2, 3, 4])
    await log.close()
  })

  test('answers appends at their deadline, and does not take them later', async () => {
    const log = createMemoryLog({ topics: [TOPIC] })
    const producer = await log.producer({ deliveryTimeoutMs: 80 })
    log.setAvailable(false)
    const answer = await producer.append(outgoing('t', 0, 'too late'))
    expect(answer).toMatchObject({ ok: false, fault: { code: 'kafka-unavailable' } })
    log.setAvailable(true)
    expect((await producer.append(outgoing('t', 0, 'in time'))).ok).toBe(true)
    expect(log.records('t').map(({ key }) => key?.toString())).toEqual(['in time'])
    await log.close()
  })
})

test('the clock gives the append time', async () => {
  const log = createMemoryLog({ clock: new ManualClock(1_234), topics: [TOPIC] })
  await append(log, numbered('t', 0, 1))
  expect(log.records('t')[0]?.timestampMs).toBe(1_234)
})
