import type { KafkaConfig } from '@millrace/config'
import { GroupConsumer, resolveConsumerOptions } from '../consuming/group-consumer.ts'
import type {
  ConsumerOptions,
  Log,
  LogAdmin,
  LogConsumer,
  LogProducer,
  ProducerOptions,
  RecordBatch,
  Stretch,
} from '../port.ts'
import { producerOptions } from '../producing/batching-producer.ts'
import { batchingProducer } from '../producing/laned-producer.ts'
import { ClusterHandle } from './cluster-handle.ts'
import { KafkaBackend } from './consume/kafka-backend.ts'
import { KafkaAdmin } from './kafka-admin.ts'
import { type KafkaLogger, silentLogger } from './kafka-logger.ts'
import { type Metrics, metricsObservers } from './observers.ts'
import { KafkaTransport } from './produce/kafka-transport.ts'
import { readToEnd } from './read-to-end.ts'

export interface KafkaLogDeps {
  /** pino, or anything shaped like it; silent without. */
  readonly log?: KafkaLogger
  readonly metrics?: Metrics
}

const REQUEST_TIMEOUT_MS = 10_000

/**
 * The log on a Kafka cluster. Every producer, consumer and admin has connections of its own, so that a slow one delays
 * nobody else. Nothing connects before it is used.
 */
export function createKafkaLog(config: KafkaConfig, deps: KafkaLogDeps = {}): Log {
  return new KafkaLog(config, deps)
}

class KafkaLog implements Log {
  readonly #config: KafkaConfig
  readonly #log: KafkaLogger
  readonly #observers: ReturnType<typeof metricsObservers> | null
  readonly #open = new Set<() => Promise<void>>()
  readonly #producers = new Set<LogProducer>()

  constructor(config: KafkaConfig, { log = silentLogger, metrics }: KafkaLogDeps) {
    this.#config = config
    this.#log = log
    this.#observers = metrics ? metricsObservers(metrics, () => this.#pendingRecords()) : null
  }

  #pendingRecords(): number {
    return [...this.#producers].reduce((sum, { pendingRecords }) => sum + pendingRecords, 0)
  }

  #connect(requestTimeoutMs = REQUEST_TIMEOUT_MS): ClusterHandle {
    return new ClusterHandle(this.#config, { requestTimeoutMs }, this.#log)
  }

  /** Closed with the log, unless it closes before. */
  #own(closed: Promise<unknown>, close: () => Promise<void>, forget?: () => void): void {
    this.#open.add(close)
    void closed.then(() => {
      this.#open.delete(close)
      forget?.()
    })
  }

  async producer(options: ProducerOptions = {}): Promise<LogProducer> {
    const { deliveryTimeoutMs } = producerOptions(options)
    // Two attempts fit into the delivery time, also when the first one gets no answer.
    const requestTimeoutMs = Math.max(250, Math.floor(deliveryTimeoutMs / 2.5))
    const handles: ClusterHandle[] = []
    const transport = () => {
      const handle = this.#connect(requestTimeoutMs)
      handles.push(handle)
      return new KafkaTransport(handle, requestTimeoutMs, this.#log)
    }
    const producer = batchingProducer(transport, options, this.#observers?.produce)
    this.#producers.add(producer)
    const closed = Promise.all(handles.map((handle) => handle.closed))
    this.#own(
      closed,
      () => producer.close(),
      () => this.#producers.delete(producer),
    )
    return producer
  }

  consumer(options: ConsumerOptions): LogConsumer {
    const resolved = resolveConsumerOptions(options)
    const { groupId: group } = resolved
    const handle = this.#connect()
    const consumer = new GroupConsumer(new KafkaBackend(handle, resolved, this.#log), resolved, {
      ...this.#observers?.consume(group),
      retrying: (error) =>
        this.#log.warn({ err: error, group }, 'start positions are not available, asking again'),
    })
    this.#own(handle.closed, () => consumer.stop())
    return consumer
  }

  async admin(): Promise<LogAdmin> {
    const handle = this.#connect()
    const admin = new KafkaAdmin(handle, this.#log)
    this.#own(handle.closed, () => admin.close())
    return admin
  }

  async readToEnd(
    topic: string,
    onBatch: (batch: RecordBatch) => void | Promise<void>,
    stretches?: ReadonlyMap<number, Stretch>,
  ): Promise<void> {
    const handle = this.#connect()
    try {
      await readToEnd(handle, topic, onBatch, this.#log, stretches)
    } finally {
      await handle.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((close) => close()))
    this.#open.clear()
  }
}
