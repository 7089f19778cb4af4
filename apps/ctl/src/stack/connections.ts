import { type ClickHouse, createClickHouse } from '@millrace/clickhouse'
import type { ClickHouseRole } from '@millrace/config'
import { createKafkaLog, type Log, type LogAdmin } from '@millrace/kafka'
import type { CtlConfig } from '../config.ts'

/** The log for as long as `work` takes. */
export async function withLog<T>(config: CtlConfig, work: (log: Log) => Promise<T>): Promise<T> {
  const log = createKafkaLog({ ...config.kafka, clientId: `${config.kafka.clientId}-ctl` })
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

export async function withAdmin<T>(log: Log, work: (admin: LogAdmin) => Promise<T>): Promise<T> {
  const admin = await log.admin()
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

/** ClickHouse for as long as `work` takes. */
export async function withClickHouse<T>(
  config: CtlConfig,
  role: ClickHouseRole,
  work: (ch: ClickHouse) => Promise<T>,
): Promise<T> {
  const ch = createClickHouse(config.clickhouse, role)
  try {
    return await work(ch)
  } finally {
    await ch.close()
  }
}
