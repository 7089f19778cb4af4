import { randomUUID } from 'node:crypto'
import {
  type ConsumerBackend,
  type Membership,
  type PartitionRange,
  partitionKey,
} from '../consuming/backend.ts'
import type { ResolvedConsumerOptions } from '../consuming/group-consumer.ts'
import type { Lane } from '../consuming/lane.ts'
import type { Notice } from '../consuming/notice.ts'
import type { Offset, TopicPartition } from '../port.ts'
import { type Dice, pickOne } from './dice.ts'
import type { MemoryGroup } from './memory-group.ts'
import type { MemoryTopics } from './memory-topics.ts'

/** Weight of a record in a lane's buffer beyond its value, bytes. */
const RECORD_BYTES = 64

/** A consumer's hold on the log in memory. With dice, partitions interleave and batches are cut at random. */
export class MemoryBackend implements ConsumerBackend {
  readonly #topics: MemoryTopics
  readonly #group: MemoryGroup
  readonly #options: ResolvedConsumerOptions
  readonly #dice: Dice | null
  readonly #memberId = `member-${randomUUID()}`

  constructor(topics: MemoryTopics, group: MemoryGroup, options: ResolvedConsumerOptions, dice: Dice | null) {
    this.#topics = topics
    this.#group = group
    this.#options = options
    this.#dice = dice
  }

  async join(signal: AbortSignal): Promise<Membership | null> {
    const counts = this.#partitionCounts()
    if (this.#options.exclusive) {
      const partitions = [...counts].flatMap(([topic, count]) =>
        Array.from({ length: count }, (_, partition) => ({ topic, partition })),
      )
      return { partitions, over: new Promise(() => undefined) }
    }
    const stopped = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    return await Promise.race([this.#group.join(this.#memberId, 'memory', counts), stopped])
  }

  #partitionCounts(): ReadonlyMap<string, number> {
    return new Map(this.#options.topics.map((name) => [name, this.#topics.topic(name).partitions.length]))
  }

  async ranges(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, PartitionRange>> {
    this.#topics.demandAvailable()
    return new Map(partitions.map((at) => [partitionKey(at), this.#topics.range(at)]))
  }

  async read(lanes: readonly Lane[], notice: Notice, signal: AbortSignal): Promise<void> {
    const changed = () => notice.notify()
    const unsubscribe = this.#topics.subscribe(changed)
    signal.addEventListener('abort', changed, { once: true })
    try {
      while (!signal.aborted) {
        if (!(await this.#readOnce(lanes))) await notice.wait()
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    } finally {
      signal.removeEventListener('abort', changed)
      unsubscribe()
    }
  }

  /** Whether any lane took something. */
  async #readOnce(lanes: readonly Lane[]): Promise<boolean> {
    if (!this.#topics.available) return false
    const ready = lanes.filter((lane) => lane.hungry && lane.position < this.#topics.range(lane).end)
    if (ready.length === 0) return false
    if (!this.#dice) {
      for (const lane of ready) this.#push(lane, this.#options.batchRecordsMax)
      return true
    }
    const lane = pickOne(this.#dice, ready)
    this.#push(lane, 1 + this.#dice(this.#options.batchRecordsMax))
    await lane.idle()
    return true
  }

  #push(lane: Lane, recordsMax: number): void {
    const partition = this.#topics.partition(lane)
    const slice = partition.read(lane.position, recordsMax)
    if (!slice) return
    const bytes = slice.records.reduce(
      (sum, { value }) => sum + RECORD_BYTES + (value?.length ?? 0),
      RECORD_BYTES,
    )
    const { topic, partition: number } = lane
    lane.push({ topic, partition: number, ...slice, endOffset: partition.end }, bytes)
  }

  async commit(positions: readonly (TopicPartition & { readonly offset: Offset })[]): Promise<void> {
    for (const position of positions) this.#group.offsets.set(partitionKey(position), position.offset)
  }

  async close(): Promise<void> {
    this.#group.leave(this.#memberId)
  }
}
