import type { ClickHouse } from '@millrace/clickhouse'
import { type Clock, systemClock } from '@millrace/kernel'
import type { Metrics, ReadinessCheck } from '@millrace/observability'
import { createEventReader } from '@millrace/read-models'
import type { ApiConfig } from './config.ts'
import { storedErasedIds } from './events/erased-ids.ts'
import { eventEndpoints } from './events/event-endpoints.ts'
import type { StoreFreshness } from './freshness/store-freshness.ts'
import { healthEndpoints } from './health/health-endpoints.ts'
import { targetCheck } from './health/target-check.ts'
import type { Endpoint } from './http/endpoint.ts'
import { withOpenApi } from './openapi/openapi-endpoint.ts'
import { registryEndpoints } from './registry/registry-endpoints.ts'
import type { StatsPolicy } from './stats/stats.ts'
import { statsEndpoint } from './stats/stats-endpoint.ts'

export interface EndpointParts {
  readonly clickhouse: ClickHouse
  readonly freshness: StoreFreshness
  readonly metrics: Metrics
  readonly api: Pick<ApiConfig, 'healthTargets' | 'healthTimeoutMs' | 'responseBytesMax' | 'requestTimeoutMs'>
  readonly policy?: StatsPolicy
  readonly clock?: Clock
}

/** Everything is kept for ever, and erased within a day. */
const KEEP_ALL: StatsPolicy = { retention: [], supersededKeptS: null, erasureDeadlineS: 86_400 }

/** Everything the query API serves. */
export function endpointsOf(parts: EndpointParts): readonly Endpoint[] {
  const { clickhouse, freshness, metrics, api, policy = KEEP_ALL, clock = systemClock } = parts
  const own = new Map([['clickhouse', clickHouseCheck(clickhouse, api.healthTimeoutMs)]])
  const others = new Map(
    api.healthTargets.map((target) => [target.name, targetCheck(target, api.healthTimeoutMs)] as const),
  )
  const reader = createEventReader({
    clickhouse,
    erasedIds: storedErasedIds(clickhouse),
    limits: { queryTimeoutMs: api.requestTimeoutMs },
    onRefill: () => metrics.count('reader_refills_total', {}),
  })
  return withOpenApi([
    ...eventEndpoints({
      reader,
      freshness,
      clock,
      responseBytesMax: api.responseBytesMax,
    }),
    statsEndpoint(clickhouse, freshness, policy),
    ...registryEndpoints,
    ...healthEndpoints({ own, others, metrics }),
  ])
}

const clickHouseCheck =
  (clickhouse: ClickHouse, timeoutMs: number): ReadinessCheck =>
  async () => {
    const answer = await clickhouse.query('SELECT 1 AS one', { name: 'health', timeoutMs })
    return answer.ok ? null : answer.fault.message
  }
