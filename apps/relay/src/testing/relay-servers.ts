import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouse, createClickHouse, migrate } from '@millrace/clickhouse'
import { clickHouseSection, kafkaSection, parseConfig } from '@millrace/config'
import { applyTopics, createKafkaLog, type Log, readLogId } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { eventsMigrations } from '@millrace/projection-events'
import { freePorts, startClickHouse, startKafka } from '@millrace/testkit/stack'
import { catalogue, DEFAULT_TOPIC_OPTIONS } from '@millrace/topics'
import { RelayProcess } from './relay-process.ts'

/** A real Kafka and a real ClickHouse with topics and tables, for relay processes of a test. */
export interface RelayServers {
  readonly dataDir: string
  readonly kafka: Log
  readonly ch: ClickHouse
  readonly logId: string
  /** Starts a relay on free ports and waits until it is ready. */
  startRelay(env: NodeJS.ProcessEnv): Promise<RelayProcess>
  stop(): Promise<void>
}

export async function startRelayServers(eventPartitionCount: number): Promise<RelayServers> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-relay-'))
  const [port = 0, controllerPort = 0, httpPort = 0, tcpPort = 0] = await freePorts(4)
  const broker = await startKafka({ dataDir: join(dataDir, 'kafka'), port, controllerPort })
  const clickHouse = await startClickHouse({ dataDir: join(dataDir, 'clickhouse'), httpPort, tcpPort })
  const env = {
    KAFKA_BROKERS: broker.brokers,
    CLICKHOUSE_URL: clickHouse.url,
    MILLRACE_DATA: join(dataDir, 'millrace'),
  }
  const config = unwrap(parseConfig({ kafka: kafkaSection, clickhouse: clickHouseSection }, env))
  const kafka = createKafkaLog(config.kafka)
  const ch = createClickHouse(config.clickhouse, 'maintenance')
  const options = { ...DEFAULT_TOPIC_OPTIONS, eventPartitionCount }
  const admin = await kafka.admin()
  unwrap(await applyTopics(admin, kafka, catalogue(options), options))
  await admin.close()
  unwrap(await migrate(ch, eventsMigrations()))
  const relays: RelayProcess[] = []
  return {
    dataDir,
    kafka,
    ch,
    logId: unwrap(await readLogId(kafka)),
    startRelay: async (extra) => {
      const [relayPort, opsPort] = await freePorts(2)
      const ports = { RELAY_PORT: String(relayPort), OPS_PORT: String(opsPort) }
      const relay = new RelayProcess({ ...env, ...ports, WATERMARK_POLL_MS: '20', ...extra })
      relays.push(relay)
      await relay.ready()
      return relay
    },
    stop: async () => {
      for (const relay of relays) if (relay.isRunning) await relay.stop()
      await ch.close()
      await kafka.close()
      await clickHouse.stop()
      await broker.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
