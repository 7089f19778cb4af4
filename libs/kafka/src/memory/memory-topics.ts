import { type Clock, FaultError, fatal, transient } from '@millrace/kernel'
import type { PartitionRange } from '../consuming/backend.ts'
import type { LogRecord, Offset, OutgoingRecord, TopicPartition, TopicSpec } from '../port.ts'
import { MemoryPartition } from './memory-partition.ts'

interface MemoryTopic {
  spec: TopicSpec
  readonly partitions: readonly MemoryPartition[]
}

/** The records of a log held in memory, and whether it can be reached at the moment. */
export class MemoryTopics {
  available = true
  readonly #clock: Clock
  readonly #topics = new Map<string, MemoryTopic>()
  readonly #onChange = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `changed` runs after every append and every change of availability. Answers how to stop it. */
  subscribe(changed: () => void): () => void {
    this.#onChange.add(changed)
    return () => this.#onChange.delete(changed)
  }

  changed(): void {
    for (const changed of this.#onChange) changed()
  }

  demandAvailable(): void {
    if (!this.available) throw new FaultError(transient('kafka-unavailable', 'the log is switched off'))
  }

  create(spec: TopicSpec): void {
    if (this.#topics.has(spec.name)) return
    const partitions = Array.from({ length: spec.partitionCount }, () => new MemoryPartition())
    this.#topics.set(spec.name, { spec, partitions })
  }

  delete(name: string): void {
    this.#topics.delete(name)
  }

  specOf(name: string): TopicSpec | null {
    return this.#topics.get(name)?.spec ?? null
  }

  alter(name: string, configs: Readonly<Record<string, string>>): void {
    const topic = this.topic(name)
    topic.spec = { ...topic.spec, configs: { ...topic.spec.configs, ...configs } }
  }

  topic(name: string): MemoryTopic {
    const topic = this.#topics.get(name)
    if (!topic) throw missingTopic(name)
    return topic
  }

  partition({ topic, partition }: TopicPartition): MemoryPartition {
    const found = this.topic(topic).partitions[partition]
    if (!found) throw new FaultError(fatal('topic-mismatch', `${topic} has no partition ${partition}`))
    return found
  }

  range(at: TopicPartition): PartitionRange {
    const { earliest, end } = this.partition(at)
    return { earliest, end }
  }

  /** Writes records of one partition together and answers the first offset. */
  append(at: TopicPartition, outgoing: readonly OutgoingRecord[]): Offset {
    const partition = this.partition(at)
    const base = partition.end
    const timestampMs = this.#clock.nowMs()
    partition.append(
      outgoing.map(
        ({ topic, key, value, headers }, index): LogRecord => ({
          topic,
          partition: at.partition,
          offset: base + index,
          timestampMs,
          key: Buffer.from(key),
          value: value && Buffer.from(value),
          headers: { ...headers },
        }),
      ),
    )
    this.changed()
    return base
  }
}

export const missingTopic = (name: string): FaultError =>
  new FaultError(fatal('topic-mismatch', `the topic ${name} does not exist: run \`ctl topics apply\``))
