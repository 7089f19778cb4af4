import type { ClickHouse } from '@millrace/clickhouse'
import type { Metrics, ReadinessCheck } from '@millrace/observability'
import type { ApiConfig } from './config.ts'
import { healthEndpoints } from './health/health-endpoints.ts'
import { targetCheck } from './health/target-check.ts'
import type { Endpoint } from './http/endpoint.ts'
import { registryEndpoints } from './registry/registry-endpoints.ts'

export interface EndpointParts {
  readonly clickhouse: ClickHouse
  readonly metrics: Metrics
  readonly api: Pick<ApiConfig, 'healthTargets' | 'healthTimeoutMs' | 'responseBytesMax'>
}

/** Everything the query API serves. */
export function endpointsOf({ clickhouse, metrics, api }: EndpointParts): readonly Endpoint[] {
  const own = new Map([['clickhouse', clickHouseCheck(clickhouse, api.healthTimeoutMs)]])
  const others = new Map(
    api.healthTargets.map((target) => [target.name, targetCheck(target, api.healthTimeoutMs)] as const),
  )
  return [...healthEndpoints({ own, others, metrics }), ...registryEndpoints]
}

const clickHouseCheck =
  (clickhouse: ClickHouse, timeoutMs: number): ReadinessCheck =>
  async () => {
    const answer = await clickhouse.query('SELECT 1 AS one', { name: 'health', timeoutMs })
    return answer.ok ? null : answer.fault.message
  }
