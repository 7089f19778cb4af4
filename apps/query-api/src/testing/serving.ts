import { createMetrics, type Metrics, silentLog } from '@millrace/observability'
import { type ApiAppOptions, createApiApp } from '../http/api-app.ts'
import { startApiServer } from '../http/api-server.ts'
import type { Endpoint } from '../http/endpoint.ts'

export interface Serving extends AsyncDisposable {
  readonly url: string
  readonly metrics: Metrics
}

/** Serves endpoints on a free port of this machine. */
export async function serve(
  endpoints: readonly Endpoint[],
  options: Partial<Omit<ApiAppOptions, 'endpoints' | 'log'>> = {},
): Promise<Serving> {
  const metrics = options.metrics ?? createMetrics('query-api')
  const requestTimeoutMs = options.requestTimeoutMs ?? 10_000
  const app = createApiApp({
    endpoints,
    metrics,
    log: silentLog,
    requestTimeoutMs,
    requestsConcurrentMax: options.requestsConcurrentMax ?? 64,
    corsOrigins: options.corsOrigins ?? ['*'],
  })
  const server = await startApiServer(app, {
    host: '127.0.0.1',
    port: 0,
    connectionsMax: 256,
    requestTimeoutMs,
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    metrics,
    [Symbol.asyncDispose]: () => server.close(),
  }
}
