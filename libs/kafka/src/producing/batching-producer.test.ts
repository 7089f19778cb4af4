import { ok } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import { expect, test } from 'vitest'
import type { OutgoingRecord } from '../port.ts'
import { BatchingProducer, type ProduceTransport } from './batching-producer.ts'
import type { PendingRecord } from './pending-record.ts'

/** A transport whose answers the test gives. */
class HeldTransport implements ProduceTransport {
  readonly flights: (readonly PendingRecord[])[] = []
  abandoned = 0
  closed = false
  #land: () => void = () => undefined

  deliver(batch: readonly PendingRecord[]): Promise<void> {
    this.flights.push(batch)
    return new Promise((resolve) => {
      this.#land = resolve
    })
  }

  acknowledge(): void {
    const flight = this.flights.at(-1) ?? []
    for (const [offset, { record, settle }] of flight.entries())
      settle.call(flight[offset], ok({ topic: record.topic, partition: record.partition, offset }))
    this.#land()
  }

  abandon(): void {
    this.abandoned++
    this.#land()
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

const record = (key: string, bytes = 10): OutgoingRecord => ({
  topic: 't',
  partition: 0,
  key,
  value: Buffer.alloc(bytes),
})
const keys = (flight: readonly PendingRecord[] | undefined) => flight?.map((pending) => pending.record.key)
const flown = (transport: HeldTransport, count: number) =>
  until(() => transport.flights.length === count, { what: `${count} flights` })

test('one flight at a time; what gathers meanwhile is the next one', async () => {
  const transport = new HeldTransport()
  const producer = new BatchingProducer(transport)
  const answers = ['a', 'b'].map((key) => producer.append(record(key)))
  await flown(transport, 1)
  answers.push(...['c', 'd', 'e'].map((key) => producer.append(record(key))))
  await new Promise((resolve) => setImmediate(resolve))
  expect(transport.flights.map(keys)).toEqual([['a', 'b']])
  transport.acknowledge()
  await flown(transport, 2)
  expect(keys(transport.flights[1])).toEqual(['c', 'd', 'e'])
  transport.acknowledge()
  expect((await Promise.all(answers)).every(({ ok: acknowledged }) => acknowledged)).toBe(true)
  await producer.close()
  expect(transport.closed).toBe(true)
})

test('flights are cut by records and by bytes, and one record larger than that goes alone', async () => {
  const transport = new HeldTransport()
  const producer = new BatchingProducer(transport, { batchRecordsMax: 3, batchBytesMax: 1_000 })
  for (const [key, bytes] of [
    ['a', 10],
    ['b', 10],
    ['c', 10],
    ['d', 600],
    ['e', 600],
    ['f', 5_000],
    ['g', 10],
  ] as const)
    void producer.append(record(key, bytes))
  for (const expected of [['a', 'b', 'c'], ['d'], ['e'], ['f'], ['g']]) {
    const count = transport.flights.length + (transport.flights.length === 0 ? 1 : 0)
    await flown(transport, count)
    expect(keys(transport.flights.at(-1))).toEqual(expected)
    transport.acknowledge()
    if (expected[0] !== 'g') await flown(transport, count + 1)
  }
  await producer.close()
})

test('at the deadline: sent records time out, unsent ones never were in the log, the flight is let go', async () => {
  const transport = new HeldTransport()
  const producer = new BatchingProducer(transport, { deliveryTimeoutMs: 120 })
  const sent = producer.append(record('sent'))
  await flown(transport, 1)
  const [pending] = transport.flights[0] ?? []
  if (pending) pending.sent = true
  const queued = producer.append(record('queued'))
  expect(await sent).toMatchObject({ ok: false, fault: { code: 'timeout', kind: 'transient' } })
  expect(await queued).toMatchObject({ ok: false, fault: { code: 'kafka-unavailable', kind: 'transient' } })
  expect(transport.abandoned).toBe(1)
  await until(() => producer.pendingRecords === 0, { what: 'nothing pending' })
  const after = producer.append(record('after'))
  await flown(transport, 2)
  expect(keys(transport.flights[1])).toEqual(['after'])
  transport.acknowledge()
  expect((await after).ok).toBe(true)
  await producer.close()
})

test('an acknowledgement after the deadline changes nothing', async () => {
  const transport = new HeldTransport()
  const producer = new BatchingProducer(transport, { deliveryTimeoutMs: 60 })
  const late = producer.append(record('late'))
  expect(await late).toMatchObject({ ok: false })
  transport.acknowledge()
  expect(await late).toMatchObject({ ok: false })
  expect(producer.pendingRecords).toBe(0)
  await producer.close()
})

test('what a transport forgets is answered as internal', async () => {
  const transport = new HeldTransport()
  const producer = new BatchingProducer(transport)
  const forgotten = producer.append(record('forgotten'))
  await flown(transport, 1)
  transport.abandon()
  expect(await forgotten).toMatchObject({ ok: false, fault: { code: 'internal' } })
  await producer.close()
})

test('tells how long deliveries take and why records were refused', async () => {
  const seen: unknown[] = []
  const transport = new HeldTransport()
  const producer = new BatchingProducer(
    transport,
    { deliveryTimeoutMs: 80 },
    {
      delivered: (records) => seen.push(records),
      refused: (code) => seen.push(code),
    },
  )
  const first = [producer.append(record('a')), producer.append(record('b'))]
  await flown(transport, 1)
  transport.acknowledge()
  await Promise.all(first)
  await producer.append(record('c'))
  await until(() => seen.length === 3, { what: 'all observations' })
  expect(seen).toEqual([2, 'kafka-unavailable', 1])
  await producer.close()
})
