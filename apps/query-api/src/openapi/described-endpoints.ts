import { createClickHouse } from '@millrace/clickhouse'
import { CLICKHOUSE_ROLES, type ClickHouseConfig } from '@millrace/config'
import { createMetrics } from '@millrace/observability'
import { endpointsOf } from '../endpoints.ts'
import { createStoreFreshness } from '../freshness/store-freshness.ts'
import type { Endpoint } from '../http/endpoint.ts'

const NOBODY = { username: '', password: '' }

/** Every endpoint, to be described and never called: nothing behind them exists, and nothing connects before it is used. */
export function describedEndpoints(): readonly Endpoint[] {
  const users = Object.fromEntries(CLICKHOUSE_ROLES.map((role) => [role, NOBODY]))
  const config = { url: 'http://127.0.0.1:1', caFile: null, users: users as ClickHouseConfig['users'] }
  const clickhouse = createClickHouse(config, 'api')
  return endpointsOf({
    clickhouse,
    freshness: createStoreFreshness(clickhouse, { read: async () => null }, 0),
    metrics: createMetrics('query-api'),
    api: { healthTargets: [], healthTimeoutMs: 1, responseBytesMax: 1, requestTimeoutMs: 1 },
  })
}
