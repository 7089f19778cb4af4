import { type Metrics, traceHeaders } from '@millrace/observability'
import type { QueryInfo, QueryObservation } from './client.ts'

/** An `onQuery` that counts and times every statement and passes the trace in progress on to ClickHouse's own spans. */
export const observeQueries =
  (metrics: Metrics) =>
  ({ role, name }: QueryInfo): QueryObservation => {
    const startedMs = performance.now()
    return {
      headers: traceHeaders(),
      end: (fault) => {
        const seconds = (performance.now() - startedMs) / 1000
        metrics.observe('clickhouse_query_seconds', { role, query: name }, seconds)
        if (fault !== null) metrics.count('clickhouse_failures_total', { role, code: fault.code })
      },
    }
  }
