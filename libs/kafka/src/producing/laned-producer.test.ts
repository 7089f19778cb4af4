import { ok } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import { expect, test } from 'vitest'
import type { ProduceTransport } from './batching-producer.ts'
import { batchingProducer } from './laned-producer.ts'
import type { PendingRecord } from './pending-record.ts'

/** Holds what it is given until the test lets it land. */
class HeldTransport implements ProduceTransport {
  readonly flights: (readonly PendingRecord[])[] = []
  closed = false
  #land: () => void = () => undefined

  deliver(batch: readonly PendingRecord[]): Promise<void> {
    this.flights.push(batch)
    return new Promise((resolve) => {
      this.#land = resolve
    })
  }

  acknowledge(): void {
    for (const pending of this.flights.at(-1) ?? []) {
      const { topic, partition } = pending.record
      pending.settle(ok({ topic, partition, offset: 0 }))
    }
    this.#land()
  }

  abandon(): void {
    this.#land()
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

function lanesOf(count: number, options: { pendingRecordsMax?: number } = {}) {
  const transports: HeldTransport[] = []
  const open = () => {
    const transport = new HeldTransport()
    transports.push(transport)
    return transport
  }
  return { transports, producer: batchingProducer(open, { lanes: count, ...options }) }
}

const record = (key: string, partition: number) => ({ topic: 't', partition, key, value: Buffer.alloc(1) })
const keysOf = ({ flights }: HeldTransport) =>
  flights.map((flight) => flight.map(({ record: { key } }) => key))

test('each lane has its own partitions, in order, and waits for no other', async () => {
  const { transports, producer } = lanesOf(2)
  const [even, odd] = transports as [HeldTransport, HeldTransport]
  const first = [
    producer.append(record('a', 0)),
    producer.append(record('b', 1)),
    producer.append(record('c', 2)),
  ]
  await until(() => even.flights.length + odd.flights.length === 2, { what: 'a flight in each lane' })
  expect([keysOf(even), keysOf(odd)]).toEqual([[['a', 'c']], [['b']]])
  // The even lane stands still; the odd one goes on.
  odd.acknowledge()
  await first[1]
  const next = producer.append(record('d', 3))
  await until(() => odd.flights.length === 2, { what: 'the next flight of the odd lane' })
  odd.acknowledge()
  expect(await next).toMatchObject({ ok: true, value: { partition: 3 } })
  expect(producer.pendingRecords).toBe(2)
  even.acknowledge()
  await Promise.all(first)
  expect(producer.pendingRecords).toBe(0)
  await producer.close()
  expect(transports.map(({ closed }) => closed)).toEqual([true, true])
})

test('what is bounded is bounded for all lanes together', async () => {
  const { transports, producer } = lanesOf(2, { pendingRecordsMax: 4 })
  const answers = Array.from({ length: 8 }, (_, index) => producer.append(record(String(index), index)))
  await until(() => transports.every(({ flights }) => flights.length === 1), { what: 'both lanes fly' })
  expect(producer.pendingRecords).toBe(4)
  for (const transport of transports) transport.acknowledge()
  const refused = (await Promise.all(answers)).filter((answer) => !answer.ok)
  expect(refused).toHaveLength(4)
  expect(refused[0]).toMatchObject({ fault: { code: 'queue-full' } })
  await producer.close()
})
