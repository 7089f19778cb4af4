import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics/metrics.ts'

/** A part's state: null = ready; a text: what is missing; degraded: ready all the same, though something is missing. */
export type ReadinessState = string | null | { readonly degraded: string }
export type ReadinessCheck = () => ReadinessState | Promise<ReadinessState>

export interface OpsServer {
  readonly port: number
  close(): Promise<void>
}

export interface Readiness {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, string>>
}

/** All checks of a process, as /ready shows them. */
export async function readinessOf(checks: ReadonlyMap<string, ReadinessCheck>): Promise<Readiness> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]): Promise<[string, ReadinessState]> => {
      try {
        return [name, await check()]
      } catch (cause) {
        return [name, cause instanceof Error ? cause.message : 'failed']
      }
    }),
  )
  return {
    ready: results.every(([, state]) => typeof state !== 'string'),
    checks: Object.fromEntries(results.map(([name, state]) => [name, textOf(state)])),
  }
}

const DEGRADED = 'degraded: '

const textOf = (state: ReadinessState): string =>
  state === null ? 'ok' : typeof state === 'string' ? state : `${DEGRADED}${state.degraded}`

/** What another process says of itself, as one check of this one. */
export function stateOf({ ready, checks }: Readiness): ReadinessState {
  const wanting = Object.entries(checks).filter(([, state]) => state !== 'ok')
  const [name, first] = wanting.find(([, state]) => ready || !state.startsWith(DEGRADED)) ?? []
  if (name === undefined || first === undefined) return ready ? null : 'not ready'
  return ready ? { degraded: `${name}: ${first.replace(DEGRADED, '')}` } : `${name}: ${first}`
}

/** Answers what lies below a path of the ops server; `rest` is what follows it. Null: not found. */
export type OpsRoute = (rest: string) => unknown

/** Serves GET /live, /ready, /metrics and the process's own routes on an interface of its own, away from clients. */
export async function startOpsServer(
  host: string,
  port: number,
  checks: ReadonlyMap<string, ReadinessCheck>,
  metrics: Metrics,
  routes: ReadonlyMap<string, OpsRoute> = new Map(),
): Promise<OpsServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', response, checks, metrics, routes)
  })
  await listen(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  url: string,
  response: ServerResponse,
  checks: ReadonlyMap<string, ReadinessCheck>,
  metrics: Metrics,
  routes: ReadonlyMap<string, OpsRoute>,
): Promise<void> {
  const path = url.split('?')[0] ?? '/'
  if (path === '/live') return json(response, 200, { live: true })
  if (path === '/ready') {
    const readiness = await readinessOf(checks)
    return json(response, readiness.ready ? 200 : 503, readiness)
  }
  if (path === '/metrics') {
    response.writeHead(200, { 'content-type': metrics.contentType })
    response.end(await metrics.expose())
    return
  }
  for (const [prefix, route] of routes) {
    if (!path.startsWith(`${prefix}/`)) continue
    const body = route(path.slice(prefix.length + 1))
    if (body !== null) return json(response, 200, body)
  }
  json(response, 404, { error: 'not found: /live, /ready and /metrics are here' })
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
