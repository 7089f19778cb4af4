import { type Clock, systemClock } from '@millrace/kernel'
import { GroupConsumer, resolveConsumerOptions } from '../consuming/group-consumer.ts'
import type {
  Log,
  LogConsumer,
  LogProducer,
  LogRecord,
  Offset,
  ProducerOptions,
  Stretch,
  TopicPartition,
  TopicSpec,
} from '../port.ts'
import { batchingProducer } from '../producing/laned-producer.ts'
import { type Dice, seededDice } from './dice.ts'
import { memoryAdmin } from './memory-admin.ts'
import { MemoryBackend } from './memory-backend.ts'
import { MemoryGroup } from './memory-group.ts'
import { MemoryTopics } from './memory-topics.ts'
import { MemoryTransport } from './memory-transport.ts'

export interface MemoryLogOptions {
  /** Gives the log append time. */
  readonly clock?: Clock
  /**
   * With a seed, consumers hand over one batch at a time, of a random partition and cut at a random length: the same
   * seed and the same calls give the same interleaving.
   */
  readonly seed?: number
  /** Topics that exist from the start. */
  readonly topics?: readonly TopicSpec[]
}

/** A log in memory with Kafka's semantics, and with hands on what a test wants to happen to it. */
export interface MemoryLog extends Log {
  /**
   * Keeps the highest offset per key and leaves emptied ranges behind, as Kafka's cleaner does. `erasedToo` also drops
   * null values, as after delete.retention.ms.
   */
  compact(topic: string, options?: { readonly erasedToo?: boolean }): void
  /** Deletes the records below `offset`, as retention does. */
  deleteBefore(at: TopicPartition, offset: Offset): void
  /** Switched off, appends and reads wait as they do for a broker that is away. */
  setAvailable(available: boolean): void
  /** What the topic holds, by partition and offset. */
  records(topic: string): readonly LogRecord[]
}

export function createMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const topics = new MemoryTopics(options.clock ?? systemClock)
  for (const spec of options.topics ?? []) topics.create(spec)
  return new MemoryLogAdapter(topics, options.seed === undefined ? null : seededDice(options.seed))
}

class MemoryLogAdapter implements MemoryLog {
  readonly #topics: MemoryTopics
  readonly #dice: Dice | null
  readonly #groups = new Map<string, MemoryGroup>()
  readonly #open = new Set<{ close(): Promise<void> }>()

  constructor(topics: MemoryTopics, dice: Dice | null) {
    this.#topics = topics
    this.#dice = dice
  }

  async producer(options: ProducerOptions = {}): Promise<LogProducer> {
    const producer = batchingProducer(() => new MemoryTransport(this.#topics), options)
    this.#open.add(producer)
    return producer
  }

  consumer(options: Parameters<Log['consumer']>[0]): LogConsumer {
    const resolved = resolveConsumerOptions(options)
    const group = this.#groups.get(resolved.groupId) ?? new MemoryGroup()
    this.#groups.set(resolved.groupId, group)
    const consumer = new GroupConsumer(new MemoryBackend(this.#topics, group, resolved, this.#dice), resolved)
    this.#open.add({ close: () => consumer.stop() })
    return consumer
  }

  async admin() {
    return memoryAdmin(this.#topics, this.#groups)
  }

  async readToEnd(
    topic: string,
    onBatch: Parameters<Log['readToEnd']>[1],
    stretches?: ReadonlyMap<number, Stretch>,
  ): Promise<void> {
    this.#topics.demandAvailable()
    const partitions = this.#topics.topic(topic).partitions
    const ends = partitions.map(({ end }) => end)
    for (const [partition, source] of partitions.entries()) {
      if (stretches !== undefined && !stretches.has(partition)) continue
      const { from = 0, until = Number.MAX_SAFE_INTEGER } = stretches?.get(partition) ?? {}
      const endOffset = Math.min(ends[partition] ?? 0, until)
      let position = Math.max(source.earliest, from)
      while (position < endOffset) {
        const slice = source.read(position, endOffset - position)
        if (!slice) break
        const records = slice.records.filter(({ offset }) => offset < endOffset)
        position = Math.min(slice.nextOffset, endOffset)
        await onBatch({ topic, partition, records, nextOffset: position, endOffset })
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((part) => part.close()))
    this.#open.clear()
  }

  compact(topic: string, { erasedToo = false } = {}): void {
    for (const partition of this.#topics.topic(topic).partitions) partition.compact(erasedToo)
  }

  deleteBefore(at: TopicPartition, offset: Offset): void {
    this.#topics.partition(at).deleteBefore(offset)
  }

  setAvailable(available: boolean): void {
    this.#topics.available = available
    this.#topics.changed()
  }

  records(topic: string): readonly LogRecord[] {
    return this.#topics.topic(topic).partitions.flatMap((partition) => [...partition.records()])
  }
}
