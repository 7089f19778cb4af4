import { createClickHouse, observeQueries } from '@millrace/clickhouse'
import type { ProcessContext } from '@millrace/observability'
import type { QueryApiConfig } from './config.ts'
import { endpointsOf } from './endpoints.ts'
import { createApiApp } from './http/api-app.ts'
import { startApiServer } from './http/api-server.ts'

/** Wires the process: ClickHouse, then the endpoints over it, then the port. */
export async function runQueryApi(context: ProcessContext<QueryApiConfig>): Promise<void> {
  const { config, log, metrics, onStop } = context
  const { api } = config
  const clickhouse = createClickHouse(config.clickhouse, 'api', { onQuery: observeQueries(metrics) })
  onStop('clickhouse', () => clickhouse.close())
  metrics.onScrape(() =>
    metrics.set('clickhouse_queries_waiting', { role: 'api' }, clickhouse.queriesWaiting),
  )
  const endpoints = endpointsOf({ clickhouse, metrics, api })
  const app = createApiApp({ ...api, endpoints, metrics, log })
  const server = await startApiServer(app, api)
  onStop('server', () => server.close())
  log.info({ api_port: server.port }, 'query API listening')
}
