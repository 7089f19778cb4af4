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

interface Current {
  readonly cluster: Cluster
  readonly ready: Promise<void>
  readonly topics: Set<string>
}

/**
 * Connections to the brokers that are replaced as a whole when one of them fails: kafkajs's own repair of a broken
 * connection leaves states behind that it does not recover from, and a new cluster costs a few milliseconds.
 */
export class ClusterHandle {
  /** Resolves when the handle was closed. */
  readonly closed: Promise<void>
  readonly #open: () => Cluster
  readonly #brokers: readonly string[]
  readonly #log: KafkaLogger
  #current: Current | null = null
  #away = false
  #closing = false
  #settleClosed!: () => void

  constructor(config: KafkaConfig, { requestTimeoutMs }: ClusterOptions, log: KafkaLogger) {
    const ca = config.ssl && config.sslCaFile ? [readFileSync(config.sslCaFile)] : undefined
    this.#brokers = config.brokers
    this.#log = log
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
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
    if (this.#closing) throw new FaultError(transient('shutting-down', 'the connections to Kafka are closed'))
    this.#current ??= this.#connect()
    const current = this.#current
    try {
      await current.ready
      if (topics.some((topic) => !current.topics.has(topic))) {
        await current.cluster.addMultipleTargetTopics(topics)
        for (const topic of topics) current.topics.add(topic)
      }
    } catch (error) {
      if (isConnectionFailure(error)) this.#lose(current, error)
      else if (!(await isReady(current))) this.#drop(current)
      throw error
    }
    this.#found()
    return current.cluster
  }

  #connect(): Current {
    const cluster = this.#open()
    const ready = cluster.connect().then(() => cluster.addMultipleTargetTopics([]))
    return { cluster, ready, topics: new Set<string>() }
  }

  /** After a failed call: fresh connections when they are to blame, fresh metadata when a broker answered. */
  async mend(error: unknown): Promise<void> {
    const current = this.#current
    if (!current) return
    if (isConnectionFailure(error)) return this.#lose(current, error)
    await current.cluster.refreshMetadata().catch((cause: unknown) => this.#lose(current, cause))
  }

  /** Lets go of the current connections without waiting for requests that are under way. */
  reset(): void {
    if (this.#current) this.#drop(this.#current)
  }

  #lose(current: Current, error: unknown): void {
    if (this.#current !== current) return
    this.#drop(current)
    if (this.#away || this.#closing) return
    this.#away = true
    this.#log.warn({ brokers: this.#brokers, err: error }, 'Kafka cannot be reached')
  }

  #found(): void {
    if (!this.#away) return
    this.#away = false
    this.#log.info({ brokers: this.#brokers }, 'Kafka can be reached again')
  }

  #drop(current: Current): void {
    if (this.#current === current) this.#current = null
    void dispose(current.cluster)
  }

  async close(): Promise<void> {
    this.#closing = true
    const current = this.#current
    this.#current = null
    if (current) await dispose(current.cluster)
    this.#settleClosed()
  }
}

/** Whether the connection stands, so that only what was asked of it failed. */
const isReady = ({ ready }: Current): Promise<boolean> =>
  ready.then(
    () => true,
    () => false,
  )

const dispose = (cluster: Cluster): Promise<void> => cluster.disconnect().catch(() => undefined)
