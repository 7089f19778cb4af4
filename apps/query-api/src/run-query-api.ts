import { createClickHouse, observeQueries } from '@millrace/clickhouse'
import { createKafkaLog } from '@millrace/kafka'
import type { ProcessContext } from '@millrace/observability'
import type { QueryApiConfig } from './config.ts'
import { endpointsOf } from './endpoints.ts'
import { KafkaLogEnds } from './freshness/log-ends.ts'
import { createStoreFreshness } from './freshness/store-freshness.ts'
import { createApiApp } from './http/api-app.ts'
import { startApiServer } from './http/api-server.ts'

/** Requests within this time share one look at the watermarks and the log: their answers claim to be that much older. */
const FRESHNESS_MAX_AGE_MS = 250
const LOG_ENDS_TIMEOUT_MS = 250

/** Wires the process: ClickHouse and the log, then the endpoints over them, then the port. */
export async function runQueryApi(context: ProcessContext<QueryApiConfig>): Promise<void> {
  const { config, log, metrics, onStop } = context
  const { api } = config
  const clickhouse = createClickHouse(config.clickhouse, 'api', { onQuery: observeQueries(metrics) })
  onStop('clickhouse', () => clickhouse.close())
  metrics.onScrape(() =>
    metrics.set('clickhouse_queries_waiting', { role: 'api' }, clickhouse.queriesWaiting),
  )
  const kafka = createKafkaLog(config.kafka, { log })
  onStop('log', () => kafka.close())
  const logEnds = new KafkaLogEnds(kafka, LOG_ENDS_TIMEOUT_MS)
  const freshness = createStoreFreshness(clickhouse, logEnds, FRESHNESS_MAX_AGE_MS)
  const policy = { ...config.retention, erasureDeadlineS: config.erasure.deadlineS }
  const endpoints = endpointsOf({ clickhouse, freshness, metrics, api, policy })
  const app = createApiApp({ ...api, endpoints, metrics, log })
  const server = await startApiServer(app, api)
  onStop('server', () => server.close())
  log.info({ api_port: server.port }, 'query API listening')
}
