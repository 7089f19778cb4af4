import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClickHouse, migrate, readWatermarks } from '@millrace/clickhouse'
import { encodeEnvelope } from '@millrace/codec'
import { clickHouseSection, parseConfig } from '@millrace/config'
import { applyTopics, createKafkaLog, type Log, type LogProducer } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { type NostrEvent, ownerOf } from '@millrace/nostr'
import { eventsMigrations } from '@millrace/projection-events'
import { until } from '@millrace/testkit'
import {
  freePorts,
  type RunningClickHouse,
  type RunningKafka,
  startClickHouse,
  startKafka,
} from '@millrace/testkit/stack'
import { catalogue, DEFAULT_TOPIC_OPTIONS, partitionOfOwner, TOPICS } from '@millrace/topics'
import { StorageProcess } from './storage-process.ts'

export const PARTITIONS = DEFAULT_TOPIC_OPTIONS.eventPartitionCount

/** A Kafka and a ClickHouse of the test's own, with topics and tables, and storage processes beside them. */
export class StorageStack {
  readonly log: Log
  readonly #folder: string
  readonly #kafka: RunningKafka
  readonly #ports: { readonly http: number; readonly tcp: number }
  readonly #processes: StorageProcess[] = []
  readonly #producer: LogProducer
  #clickHouse: RunningClickHouse

  private constructor(
    folder: string,
    kafka: RunningKafka,
    clickHouse: RunningClickHouse,
    ports: { readonly http: number; readonly tcp: number },
    log: Log,
    producer: LogProducer,
  ) {
    this.#folder = folder
    this.#kafka = kafka
    this.#clickHouse = clickHouse
    this.#ports = ports
    this.log = log
    this.#producer = producer
  }

  static async start(): Promise<StorageStack> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-storage-'))
    const [port = 0, controllerPort = 0, http = 0, tcp = 0] = await freePorts(4)
    const kafka = await startKafka({ dataDir: join(folder, 'kafka'), port, controllerPort })
    const clickHouse = await startClickHouse({
      dataDir: join(folder, 'clickhouse'),
      httpPort: http,
      tcpPort: tcp,
    })
    const log = createKafkaLog({
      brokers: [kafka.brokers],
      clientId: 'storage-test',
      ssl: false,
      sslCaFile: null,
      sasl: null,
    })
    const admin = await log.admin()
    const options = { ...DEFAULT_TOPIC_OPTIONS, durability: 'process' } as const
    unwrap(await applyTopics(admin, log, catalogue(options), options))
    await admin.close()
    const producer = await log.producer({ pendingRecordsMax: 100_000 })
    const stack = new StorageStack(folder, kafka, clickHouse, { http, tcp }, log, producer)
    await stack.migrate()
    return stack
  }

  get clickHouseUrl(): string {
    return this.#clickHouse.url
  }

  async migrate(): Promise<void> {
    const ch = this.#client()
    unwrap(await migrate(ch, eventsMigrations()))
    await ch.close()
  }

  #client() {
    const env = { CLICKHOUSE_URL: this.#clickHouse.url }
    return createClickHouse(unwrap(parseConfig({ ch: clickHouseSection }, env)).ch, 'maintenance')
  }

  /** Starts an instance; it may not be ready yet. */
  async storage(env: NodeJS.ProcessEnv = {}): Promise<StorageProcess> {
    const [opsPort] = await freePorts(1)
    const storage = new StorageProcess({
      KAFKA_BROKERS: this.#kafka.brokers,
      CLICKHOUSE_URL: this.#clickHouse.url,
      OPS_PORT: String(opsPort),
      STORAGE_RETRY_WAIT_MAX_MS: '200',
      ...env,
    })
    this.#processes.push(storage)
    return storage
  }

  /** Appends events as the relay does; resolves once Kafka has them. */
  async append(events: readonly NostrEvent[], headers: Record<string, string> = {}): Promise<void> {
    await Promise.all(
      events.map((event) => {
        const receipt = { receivedAtMs: 1_760_000_000_000, source: 'client', edge: 'edge-1' } as const
        return this.appendRaw(event.id, encodeEnvelope({ event, receipt }), partitionOf(event), headers)
      }),
    )
  }

  async appendRaw(
    key: string,
    value: Buffer | null,
    partition: number,
    headers: Record<string, string> = {},
    topic: string = TOPICS.events,
  ): Promise<void> {
    unwrap(await this.#producer.append({ topic, partition, key, value, headers }))
  }

  /** Rows of a query, as ClickHouse's administrator. */
  async sql<T = Record<string, unknown>>(query: string): Promise<T[]> {
    const ch = this.#client()
    try {
      return unwrap(await ch.query<T>(query))
    } finally {
      await ch.close()
    }
  }

  async command(statement: string): Promise<void> {
    const ch = this.#client()
    unwrap(await ch.command(statement))
    await ch.close()
  }

  /** Waits until the watermark of every partition stands at the log's end. */
  async caughtUp(): Promise<void> {
    const admin = await this.log.admin()
    const ch = this.#client()
    await until(
      async () => {
        const marks = unwrap(await readWatermarks(ch, 'storage', TOPICS.events))
        const ends = await admin.offsets(TOPICS.events)
        return ends.every(({ partition, end }) => (marks.get(partition)?.nextOffset ?? 0) === end)
      },
      { what: 'storage caught up', deadlineMs: 30_000, intervalMs: 50 },
    )
    await admin.close()
    await ch.close()
  }

  async killClickHouse(): Promise<void> {
    await this.#clickHouse.kill()
  }

  async startClickHouse(): Promise<void> {
    this.#clickHouse = await startClickHouse({
      dataDir: join(this.#folder, 'clickhouse'),
      httpPort: this.#ports.http,
      tcpPort: this.#ports.tcp,
    })
  }

  async stopStorage(): Promise<void> {
    for (const storage of this.#processes.splice(0)) if (storage.isRunning) await storage.stop()
  }

  async remove(): Promise<void> {
    for (const storage of this.#processes) if (storage.isRunning) await storage.kill()
    await this.log.close()
    await this.#clickHouse.stop()
    await this.#kafka.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

export const partitionOf = (event: NostrEvent): number => partitionOfOwner(unwrap(ownerOf(event)), PARTITIONS)
