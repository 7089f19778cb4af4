import type { Result } from '@millrace/kernel'
import type { LogProducer, OutgoingRecord, Placement, ProducerOptions } from '../port.ts'
import {
  BatchingProducer,
  type ProduceObserver,
  type ProduceTransport,
  producerOptions,
} from './batching-producer.ts'

/**
 * Single-flight producers side by side, each for its share of the partitions: a broker appends the partitions of one request
 * one after the other, each with its fsync, and a record waits only for those of its own lane. Order within a partition is as
 * with one producer; every lane has a transport, and with it an idempotent session, of its own.
 */
export class LanedProducer implements LogProducer {
  readonly #lanes: readonly LogProducer[]

  constructor(lanes: readonly LogProducer[]) {
    this.#lanes = lanes
  }

  get pendingRecords(): number {
    return this.#lanes.reduce((sum, { pendingRecords }) => sum + pendingRecords, 0)
  }

  append(record: OutgoingRecord): Promise<Result<Placement>> {
    const lane = this.#lanes[record.partition % this.#lanes.length] as LogProducer
    return lane.append(record)
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()))
  }
}

/** A producer with as many lanes as the options ask for; what is bounded is bounded for all of them together. */
export function batchingProducer(
  transport: () => ProduceTransport,
  options: ProducerOptions,
  observer: ProduceObserver | null = null,
): LogProducer {
  const { lanes, pendingRecordsMax, pendingBytesMax, ...rest } = producerOptions(options)
  const share = {
    ...rest,
    pendingRecordsMax: Math.ceil(pendingRecordsMax / lanes),
    pendingBytesMax: Math.ceil(pendingBytesMax / lanes),
  }
  const producers = Array.from({ length: lanes }, () => new BatchingProducer(transport(), share, observer))
  const [only] = producers
  return lanes === 1 && only !== undefined ? only : new LanedProducer(producers)
}
