import { ok } from '@millrace/kernel'
import { partitionKey } from '../../consuming/backend.ts'
import type { Offset } from '../../port.ts'
import type { PendingRecord } from '../../producing/pending-record.ts'
import { encodeRecordBatch } from '../protocol/record-batch-encoder.ts'
import type { ProducerSession } from './producer-session.ts'

/** Records of one partition that go out as one record batch, the same bytes at every attempt. */
export class PartitionBatch {
  readonly topic: string
  readonly partition: number
  #entries: readonly PendingRecord[]
  #encoded: Buffer | null = null

  constructor(entries: readonly [PendingRecord, ...PendingRecord[]]) {
    this.topic = entries[0].record.topic
    this.partition = entries[0].record.partition
    this.#entries = entries
  }

  get entries(): readonly PendingRecord[] {
    return this.#entries
  }

  get divisible(): boolean {
    return this.#entries.length > 1
  }

  /**
   * The bytes to send, numbered by the session at the first attempt. Records that were answered before it are left out;
   * from then on nobody knows whether the log has the batch, so that it stays as it is. Null when none is left.
   */
  encode(session: ProducerSession): Buffer | null {
    if (this.#encoded) return this.#encoded
    this.#entries = this.#entries.filter((entry) => !entry.settled)
    if (this.#entries.length === 0) return null
    for (const entry of this.#entries) entry.sent = true
    const records = this.#entries.map(({ record }) => record)
    this.#encoded = encodeRecordBatch(records, session.identity(this), Date.now())
    return this.#encoded
  }

  acknowledge(baseOffset: Offset): void {
    const { topic, partition } = this
    for (const [index, entry] of this.#entries.entries())
      entry.settle(ok({ topic, partition, offset: baseOffset + index }))
  }

  /** Two halves, for a batch that the broker found too large and therefore did not write. */
  halves(): readonly PartitionBatch[] {
    const middle = this.#entries.length >> 1
    return [this.#entries.slice(0, middle), this.#entries.slice(middle)].flatMap(([first, ...rest]) =>
      first ? [new PartitionBatch([first, ...rest])] : [],
    )
  }
}

/** What is left to do of one flight: per partition, batches in order, of which only the first may be under way. */
export class FlightWork {
  /** The producer gave up on it: nothing more may be sent. */
  abandoned = false
  readonly #queues = new Map<string, PartitionBatch[]>()

  constructor(batch: readonly PendingRecord[]) {
    for (const [key, [first, ...rest]] of Map.groupBy(batch, ({ record }) => partitionKey(record)))
      if (first) this.#queues.set(key, [new PartitionBatch([first, ...rest])])
  }

  get open(): boolean {
    return !this.abandoned && this.#queues.size > 0
  }

  get topics(): readonly string[] {
    return [...new Set(this.heads().map(({ topic }) => topic))]
  }

  heads(): readonly PartitionBatch[] {
    return [...this.#queues.values()].flatMap(([head]) => head ?? [])
  }

  entries(): readonly PendingRecord[] {
    return [...this.#queues.values()].flatMap((queue) => queue.flatMap((batch) => batch.entries))
  }

  /** The head of a partition is answered; `instead` takes its place. */
  done(batch: PartitionBatch, instead: readonly PartitionBatch[] = []): void {
    const key = partitionKey(batch)
    const rest = (this.#queues.get(key) ?? []).slice(1)
    if (instead.length + rest.length === 0) this.#queues.delete(key)
    else this.#queues.set(key, [...instead, ...rest])
  }
}
