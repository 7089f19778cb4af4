import { ok } from '@millrace/kernel'
import { type Metrics, type ReadinessCheck, readinessOf } from '@millrace/observability'
import { type Call, type Endpoint, jsonAnswer, NEVER_CACHED } from '../http/endpoint.ts'
import { problemAnswer } from '../http/problem.ts'

export type Checks = ReadonlyMap<string, ReadinessCheck>

export interface HealthParts {
  /** What this process itself needs. */
  readonly own: Checks
  /** Its neighbours. */
  readonly others: Checks
  readonly metrics: Metrics
}

const base = { method: 'get', cacheControl: NEVER_CACHED, answerFault: problemAnswer } as const

/** /health is about the whole platform; /health/live and /health/ready about this process. */
export const healthEndpoints = ({ own, others, metrics }: HealthParts): readonly Endpoint[] => [
  { ...base, name: 'health', path: '/health', handle: readiness(new Map([...own, ...others])) },
  { ...base, name: 'health', path: '/health/ready', handle: readiness(own) },
  { ...base, name: 'health', path: '/health/live', handle: () => ok(jsonAnswer(200, { live: true })) },
  {
    ...base,
    name: 'metrics',
    path: '/metrics',
    handle: async () => ok({ status: 200, contentType: metrics.contentType, body: await metrics.expose() }),
  },
]

const readiness = (checks: Checks) => async (_: Call) => {
  const state = await readinessOf(checks)
  return ok(jsonAnswer(state.ready ? 200 : 503, state))
}
