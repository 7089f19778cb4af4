import type { Environment } from '@millrace/config'
import { ControlSocket, controlSocketPath, readParts } from './control-socket.ts'

type Addresses = { KAFKA_BROKERS?: string; CLICKHOUSE_URL?: string; DELETION_URLS?: string }

const isUnset = (value: string | undefined): boolean => value === undefined || value === ''

/**
 * Addresses for what the environment leaves unset: from the running stack of the data folder, else from the port
 * variables that `npm start` takes. Empty where the defaults are right.
 */
export async function localAddresses(env: Environment, dataDir: string): Promise<Addresses> {
  const needKafka = isUnset(env['KAFKA_BROKERS'])
  const needClickHouse = isUnset(env['CLICKHOUSE_URL'])
  const needDeletion = isUnset(env['DELETION_URLS'])
  if (!needKafka && !needClickHouse && !needDeletion) return {}
  const running = await runningAddresses(dataDir)
  const kafka = running.KAFKA_BROKERS ?? fromPort(env['KAFKA_PORT'], '127.0.0.1:')
  const clickHouse = running.CLICKHOUSE_URL ?? fromPort(env['CLICKHOUSE_HTTP_PORT'], 'http://127.0.0.1:')
  const deletion = running.DELETION_URLS ?? fromPort(env['DELETION_OPS_PORT'], 'http://127.0.0.1:')
  return {
    ...(needDeletion && deletion !== undefined && { DELETION_URLS: deletion }),
    ...(needKafka && kafka !== undefined && { KAFKA_BROKERS: kafka }),
    ...(needClickHouse && clickHouse !== undefined && { CLICKHOUSE_URL: clickHouse }),
  }
}

const fromPort = (port: string | undefined, prefix: string): string | undefined =>
  port === undefined || port === '' ? undefined : `${prefix}${port}`

async function runningAddresses(dataDir: string): Promise<Addresses> {
  const path = controlSocketPath(dataDir)
  if (path === null) return {}
  try {
    const parts = await readParts(new ControlSocket(path))
    const addressOf = (name: string) => parts.find((part) => part.name === name)?.address ?? undefined
    const kafka = addressOf('kafka')
    const clickHouse = addressOf('clickhouse')
    const deletion = addressOf('deletion')
    return {
      ...(deletion !== undefined && { DELETION_URLS: deletion }),
      ...(kafka !== undefined && { KAFKA_BROKERS: kafka }),
      ...(clickHouse !== undefined && { CLICKHOUSE_URL: clickHouse }),
    }
  } catch {
    // A socket file left behind by a killed stack: the defaults are as good a guess as any.
    return {}
  }
}
