import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMetrics, type ReadinessCheck } from '@millrace/observability'
import { afterEach, expect, test } from 'vitest'
import { serve } from '../testing/serving.ts'
import { healthEndpoints } from './health-endpoints.ts'
import { targetCheck } from './target-check.ts'

const neighbours: Server[] = []
afterEach(() => {
  for (const server of neighbours.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** Another process whose /ready answers this; null: never. */
async function neighbour(answer: { status: number; body: unknown } | null): Promise<string> {
  const server = createServer((_, response) => {
    if (answer !== null)
      response
        .writeHead(answer.status)
        .end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  })
  neighbours.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ready`
}

const ready: ReadinessCheck = () => null
const metrics = createMetrics('query-api')

const health = async (own: ReadinessCheck, relayUrl: string, path = '/health') => {
  const others = new Map([['relay', targetCheck({ name: 'relay', url: relayUrl }, 200)]])
  await using api = await serve(healthEndpoints({ own: new Map([['clickhouse', own]]), others, metrics }))
  const response = await fetch(api.url + path)
  return { status: response.status, body: (await response.json()) as unknown }
}

test('healthy when everything is', async () => {
  const url = await neighbour({ status: 200, body: { ready: true, checks: {} } })
  expect(await health(ready, url)).toEqual({
    status: 200,
    body: { ready: true, checks: { clickhouse: 'ok', relay: 'ok' } },
  })
})

test.each([
  [
    'that says what it lacks',
    { status: 503, body: { checks: { kafka: 'away', clickhouse: 'ok' } } },
    'kafka: away',
  ],
  ['that gives no reason', { status: 503, body: 'no' }, 'answers 503'],
  ['that is something else', { status: 404, body: {} }, 'answers 404'],
  ['that hangs', null, 'no answer within 200 ms'],
])('a neighbour %s is named', async (_, answer, reason) => {
  expect(await health(ready, await neighbour(answer))).toEqual({
    status: 503,
    body: { ready: false, checks: { clickhouse: 'ok', relay: reason } },
  })
})

test('a neighbour that does not run is named', async () => {
  const url = await neighbour(null)
  for (const server of neighbours) server.close()
  const { status, body } = await health(ready, url)
  expect([status, body]).toMatchObject([503, { checks: { relay: 'not reachable (ECONNREFUSED)' } }])
})

test('the process itself is ready without its neighbours, and lives without anything', async () => {
  const url = await neighbour({ status: 503, body: {} })
  expect((await health(ready, url, '/health/ready')).status).toBe(200)
  expect(await health(() => 'away', url, '/health/ready')).toMatchObject({
    status: 503,
    body: { checks: { clickhouse: 'away' } },
  })
  expect(await health(() => 'away', url, '/health/live')).toEqual({ status: 200, body: { live: true } })
})

test('metrics are served in the text format of Prometheus', async () => {
  await using api = await serve(healthEndpoints({ own: new Map(), others: new Map(), metrics }))
  const response = await fetch(`${api.url}/metrics`)
  expect(response.headers.get('content-type')).toContain('text/plain')
  expect(await response.text()).toContain('process_cpu_seconds_total')
})
