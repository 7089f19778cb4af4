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
} from '../port.ts'
import { BatchingProducer, PRODUCER_DEFAULTS } from '../producing/batching-producer.ts'
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

  constructor(config: KafkaConfig, { log = silentLogger, metrics }: KafkaLogDeps) {
    this.#config = config
    this.#log = log
    this.#observers = metrics ? metricsObservers(metrics) : null
  }

  #connect(requestTimeoutMs = REQUEST_TIMEOUT_MS): ClusterHandle {
    return new ClusterHandle(this.#config, { requestTimeoutMs }, this.#log)
  }

  async producer(options: ProducerOptions = {}): Promise<LogProducer> {
    const { deliveryTimeoutMs } = { ...PRODUCER_DEFAULTS, ...options }
    // Two attempts fit into the delivery time, also when the first one gets no answer.
    const requestTimeoutMs = Math.max(250, Math.floor(deliveryTimeoutMs / 2.5))
    const transport = new KafkaTransport(this.#connect(requestTimeoutMs), requestTimeoutMs, this.#log)
    const producer: BatchingProducer = new BatchingProducer(
      transport,
      options,
      this.#observers?.produce(() => producer.pendingRecords),
    )
    this.#open.add(() => producer.close())
    return producer
  }

  consumer(options: ConsumerOptions): LogConsumer {
    const resolved = resolveConsumerOptions(options)
    const backend = new KafkaBackend(this.#connect(), resolved, this.#log)
    const consumer = new GroupConsumer(backend, resolved, this.#observers?.consume(resolved.groupId))
    this.#open.add(() => consumer.stop())
    return consumer
  }

  async admin(): Promise<LogAdmin> {
    const admin = new KafkaAdmin(this.#connect(), this.#log)
    this.#open.add(() => admin.close())
    return admin
  }

  async readToEnd(topic: string, onBatch: (batch: RecordBatch) => void | Promise<void>): Promise<void> {
    const handle = this.#connect()
    try {
      await readToEnd(handle, topic, onBatch, this.#log)
    } finally {
      await handle.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((close) => close()))
    this.#open.clear()
  }
}
