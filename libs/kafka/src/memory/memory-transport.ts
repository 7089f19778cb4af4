import { FaultError, ok } from '@millrace/kernel'
import { partitionKey } from '../consuming/backend.ts'
import type { TopicPartition } from '../port.ts'
import type { ProduceTransport } from '../producing/batching-producer.ts'
import type { PendingRecord } from '../producing/pending-record.ts'
import type { MemoryTopics } from './memory-topics.ts'

/** Appends batches to the log in memory, a turn of the event loop later, as a broker would answer. */
export class MemoryTransport implements ProduceTransport {
  readonly #topics: MemoryTopics
  #letGo: () => void = () => undefined

  constructor(topics: MemoryTopics) {
    this.#topics = topics
  }

  async deliver(batch: readonly PendingRecord[]): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (!this.#topics.available) await this.#untilAvailable()
    for (const [at, records] of byPartition(batch.filter((pending) => !pending.settled)))
      this.#append(at, records)
  }

  #append({ topic, partition }: TopicPartition, pending: readonly PendingRecord[]): void {
    try {
      const records = pending.map(({ record }) => record)
      const base = this.#topics.append({ topic, partition }, records)
      for (const [index, entry] of pending.entries())
        entry.settle(ok({ topic, partition, offset: base + index }))
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      for (const entry of pending) entry.refuse(error.fault)
    }
  }

  async #untilAvailable(): Promise<void> {
    const abandoned = new Promise<void>((resolve) => {
      this.#letGo = resolve
    })
    let unsubscribe = () => {}
    const available = new Promise<void>((resolve) => {
      unsubscribe = this.#topics.subscribe(() => this.#topics.available && resolve())
    })
    await Promise.race([available, abandoned])
    unsubscribe()
  }

  abandon(): void {
    this.#letGo()
  }

  async close(): Promise<void> {}
}

function byPartition(batch: readonly PendingRecord[]): Iterable<[TopicPartition, readonly PendingRecord[]]> {
  const groups = new Map<string, [TopicPartition, PendingRecord[]]>()
  for (const pending of batch) {
    const key = partitionKey(pending.record)
    const group = groups.get(key)
    if (group) group[1].push(pending)
    else groups.set(key, [pending.record, [pending]])
  }
  return groups.values()
}
