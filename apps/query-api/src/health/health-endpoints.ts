import { ok } from '@millrace/kernel'
import { type Metrics, type ReadinessCheck, readinessOf } from '@millrace/observability'
import { z } from 'zod'
import { type Endpoint, jsonAnswer, NEVER_CACHED } from '../http/endpoint.ts'
import { jsonDoc } from '../http/endpoint-doc.ts'
import { problemAnswer } from '../http/problem.ts'

export type Checks = ReadonlyMap<string, ReadinessCheck>

export interface HealthParts {
  /** What this process itself needs. */
  readonly own: Checks
  /** Its neighbours. */
  readonly others: Checks
  readonly metrics: Metrics
}

const readinessSchema = z
  .object({
    ready: z.boolean(),
    checks: z
      .record(z.string(), z.string())
      .meta({ description: 'part → ok, or what it lacks', example: { clickhouse: 'ok', relay: 'ok' } }),
  })
  .meta({ id: 'Readiness' })

const readinessDocs = {
  200: jsonDoc('Ready', readinessSchema),
  503: jsonDoc('Something is missing', readinessSchema),
}

const get = (name: string, path: string) =>
  ({ method: 'get', name, path, cacheControl: NEVER_CACHED, answerFault: problemAnswer }) as const

/** /health is about the whole platform; /health/live and /health/ready about this process. */
export const healthEndpoints = ({ own, others, metrics }: HealthParts): readonly Endpoint[] => [
  {
    ...get('health', '/health'),
    doc: {
      tag: 'operations',
      summary: 'Whether every part of the platform is ready',
      answers: readinessDocs,
    },
    handle: readiness(new Map([...own, ...others])),
  },
  {
    ...get('health-ready', '/health/ready'),
    doc: { tag: 'operations', summary: 'Whether this process is ready', answers: readinessDocs },
    handle: readiness(own),
  },
  {
    ...get('health-live', '/health/live'),
    doc: {
      tag: 'operations',
      summary: 'Whether this process runs',
      answers: { 200: jsonDoc('It does', z.object({ live: z.literal(true) })) },
    },
    handle: () => ok(jsonAnswer(200, { live: true })),
  },
  {
    ...get('metrics', '/metrics'),
    doc: {
      tag: 'operations',
      summary: 'Metrics of this process',
      answers: {
        200: { description: 'Prometheus text format', contentType: 'text/plain', schema: z.string() },
      },
    },
    handle: async () => ok({ status: 200, contentType: metrics.contentType, body: await metrics.expose() }),
  },
]

const readiness = (checks: Checks) => async () => {
  const state = await readinessOf(checks)
  return ok(jsonAnswer(state.ready ? 200 : 503, state))
}
