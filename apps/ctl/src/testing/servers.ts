import { createClickHouse } from '@millrace/clickhouse'
import type { KafkaConfig } from '@millrace/config'
import { createKafkaLog, type Log } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { testClickHouseUrl, testKafkaBrokers } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'

const kafkaConfig = (): KafkaConfig => ({
  brokers: testKafkaBrokers(),
  clientId: 'ctl-test',
  ssl: false,
  sslCaFile: null,
  sasl: null,
})

export const testLog = (): Log => createKafkaLog(kafkaConfig())

export function testClickHouse() {
  const user = { username: 'default', password: '' }
  const users = { insert: user, req: user, api: user, maintenance: user }
  return createClickHouse({ url: testClickHouseUrl(), caFile: null, users }, 'maintenance')
}

/** The environment of a command against the servers of the tests. */
export const testEnvironment = (dataDir: string): Record<string, string> => ({
  KAFKA_BROKERS: testKafkaBrokers().join(','),
  CLICKHOUSE_URL: testClickHouseUrl(),
  MILLRACE_DATA: dataDir,
  EVENT_PARTITIONS: '4',
})

/** Servers as they are before anybody ran a command. */
export async function wipe(): Promise<void> {
  const log = testLog()
  const admin = await log.admin()
  for (const topic of Object.values(TOPICS))
    if ((await admin.describeTopic(topic)) !== null) await admin.deleteTopic(topic)
  await log.close()
  const ch = testClickHouse()
  for (const database of ['nostr', 'nostr_store'])
    unwrap(await ch.command(`DROP DATABASE IF EXISTS ${database} SYNC`))
  await ch.close()
}
