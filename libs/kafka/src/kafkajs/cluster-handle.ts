import { readFileSync } from 'node:fs'
import type { KafkaConfig } from '@millrace/config'
import { FaultError, transient } from '@millrace/kernel'
import { isConnectionFailure } from './errors.ts'
import { type Cluster, KafkajsCluster } from './internals.ts'
import { type KafkaLogger, kafkajsLoggerTo } from './kafka-logger.ts'
import { openSocket } from './open-socket.ts'
import { scheduleOnlyWhilePending } from './patches/request-queue-timer.ts'

scheduleOnlyWhilePending()

const CONNECTION_TIMEOUT_MS = 3_000
const METADATA_MAX_AGE_MS = 60_000

export interface ClusterOptions {
  /** How long one request may take, milliseconds; requests that wait on purpose (fetch, join) get their wait on top. */
  readonly requestTimeoutMs: number
}

/**
 * Connections to the brokers that are replaced as a whole when one of them fails: kafkajs's own repair of a broken
 * connection leaves states behind that it does not recover from, and a new cluster costs a few milliseconds.
 */
export class ClusterHandle {
  readonly #open: () => Cluster
  #current: {
    readonly cluster: Cluster
    readonly ready: Promise<void>
    readonly topics: Set<string>
  } | null = null
  #closed = false

  constructor(config: KafkaConfig, { requestTimeoutMs }: ClusterOptions, log: KafkaLogger) {
    const ca = config.ssl && config.sslCaFile ? [readFileSync(config.sslCaFile)] : undefined
    this.#open = () =>
      new KafkajsCluster({
        logger: kafkajsLoggerTo(log),
        socketFactory: openSocket,
        brokers: [...config.brokers],
        clientId: config.clientId,
        ssl: config.ssl ? (ca ? { ca } : {}) : null,
        sasl: config.sasl,
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: requestTimeoutMs,
        enforceRequestTimeout: true,
        metadataMaxAge: METADATA_MAX_AGE_MS,
        allowAutoTopicCreation: false,
        // Tries every seed once; waiting and trying again is up to the callers.
        retry: { retries: config.brokers.length, initialRetryTime: 20, maxRetryTime: 100 },
      })
  }

  /** A connected cluster that knows where the topics' partitions are. Rejects when Kafka is away. */
  async connected(topics: readonly string[] = []): Promise<Cluster> {
    if (this.#closed) throw new FaultError(transient('shutting-down', 'the connections to Kafka are closed'))
    this.#current ??= this.#connect()
    const { cluster, ready, topics: known } = this.#current
    try {
      await ready
      if (topics.some((topic) => !known.has(topic))) {
        await cluster.addMultipleTargetTopics(topics)
        for (const topic of topics) known.add(topic)
      }
    } catch (error) {
      this.drop(cluster)
      throw error
    }
    return cluster
  }

  #connect() {
    const cluster = this.#open()
    const ready = cluster.connect().then(() => cluster.addMultipleTargetTopics([]))
    return { cluster, ready, topics: new Set<string>() }
  }

  /** Lets go of a cluster that failed, if it is still the current one; the next call connects anew. */
  drop(cluster: Cluster): void {
    if (this.#current?.cluster !== cluster) return
    this.#current = null
    void dispose(cluster)
  }

  /** After a failed call: fresh connections when they are to blame, fresh metadata when a broker answered. */
  async mend(error: unknown): Promise<void> {
    const current = this.#current
    if (!current) return
    const broken =
      isConnectionFailure(error) ||
      (await current.cluster.refreshMetadata().then(
        () => false,
        () => true,
      ))
    if (broken) this.drop(current.cluster)
  }

  /** Lets go of the current connections without waiting for requests that are under way. */
  reset(): void {
    if (this.#current) this.drop(this.#current.cluster)
  }

  async close(): Promise<void> {
    this.#closed = true
    const current = this.#current
    this.#current = null
    if (current) await dispose(current.cluster)
  }
}

const dispose = (cluster: Cluster): Promise<void> => cluster.disconnect().catch(() => undefined)
