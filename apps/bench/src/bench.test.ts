import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateCorpus } from '@millrace/corpus'
import { type NostrEvent, parseFilter } from '@millrace/nostr'
import { afterEach, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { Latencies } from './latency.ts'
import { measureFanout } from './measure/fanout.ts'
import { measurePublish } from './measure/publish.ts'
import { measureRequests, shapesOver } from './measure/requests.ts'
import { describeMachine } from './report/machine.ts'
import { type BenchReport, renderReport, writeReport } from './report/report.ts'
import { metricSum } from './target/scrape.ts'

const events: NostrEvent[] = []
for await (const batch of generateCorpus({ seed: 'bench', count: 400, authorCount: 20 }))
  events.push(...batch)

let server: WebSocketServer | null = null
afterEach(() => {
  for (const socket of server?.clients ?? []) socket.terminate()
  server?.close()
  server = null
})

/** The smallest thing that speaks the protocol: says OK to everything but kind 7, has three events for every REQ, fans out. */
async function tinyRelay(): Promise<string> {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  const live = new Map<WebSocket, string>()
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      const [verb, first] = JSON.parse(String(data)) as [string, NostrEvent & string]
      if (verb === 'EVENT') {
        socket.send(JSON.stringify(['OK', first.id, first.kind !== 7, '']))
        for (const [subscriber, id] of live) subscriber.send(JSON.stringify(['EVENT', id, first]))
      }
      if (verb !== 'REQ') return
      if (first.startsWith('s')) live.set(socket, first)
      else for (const event of events.slice(0, 3)) socket.send(JSON.stringify(['EVENT', first, event]))
      socket.send(JSON.stringify(['EOSE', first]))
    }),
  )
  await once(server, 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('publish counts every OK once, refusals apart', async () => {
  const result = await measurePublish(await tinyRelay(), { connections: 3, window: 4 }, events, () => {})
  const refused = events.filter(({ kind }) => kind === 7).length
  expect(result).toMatchObject({ accepted: events.length - refused, refused })
  expect(result.ackMs.count).toBe(events.length)
  expect(result.ackMs.p50).toBeLessThanOrEqual(result.ackMs.p99)
})

test('requests are timed to their first frame and to EOSE', async () => {
  const [shape] = shapesOver(events)
  if (shape === undefined) throw new Error('no shape')
  const result = await measureRequests(await tinyRelay(), shape, { connections: 4, seconds: 0.2 })
  expect(result.eventsPerRequest).toBe(3)
  expect(result.firstFrameMs.count).toBe(result.eoseMs.count)
  expect(result.firstFrameMs.p50).toBeLessThanOrEqual(result.eoseMs.p50)
})

test('fanout waits for every delivery', async () => {
  const url = await tinyRelay()
  for (const eventsPerSecond of [100, null]) {
    const result = await measureFanout(url, { subscribers: 12, eventsPerSecond, events: 10 }, () => {})
    expect(result.deliveries).toBe(120)
    expect(result.deliveryMs.count).toBe(120)
  }
})

test('a relay that refuses or goes away ends the measurement with its words', async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      if (String(data).startsWith('["REQ"')) socket.send('["CLOSED","r0","error: busy"]')
      else socket.terminate()
    }),
  )
  await once(server, 'listening')
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [shape] = shapesOver(events)
  if (shape === undefined) throw new Error('no shape')
  await expect(measureRequests(url, shape, { connections: 1, seconds: 1 })).rejects.toThrow(/busy/)
  await expect(measurePublish(url, { connections: 1, window: 1 }, events, () => {})).rejects.toThrow(/closed/)
})

test('every request shape is a filter that relays take, and neighbours differ', () => {
  const shapes = shapesOver(events)
  expect(shapes.length).toBeGreaterThan(5)
  for (const { name, filter } of shapes) {
    for (let n = 0; n < 50; n++)
      expect(parseFilter(filter(n)).ok, `${name} ${JSON.stringify(filter(n))}`).toBe(true)
    expect(JSON.stringify(filter(1)), name).not.toBe(JSON.stringify(filter(2)))
  }
})

test('latencies keep three digits, and nothing at all is zero', () => {
  const latencies = new Latencies()
  expect(latencies.percentiles()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 })
  for (let ms = 1; ms <= 1_000; ms++) latencies.recordMs(ms)
  const { count, p50, p95, p99 } = latencies.percentiles()
  expect(count).toBe(1_000)
  for (const [measured, expected] of [
    [p50, 500],
    [p95, 950],
    [p99, 990],
  ] as const)
    expect(Math.abs(measured - expected) / expected).toBeLessThan(0.002)
})

test('a metric is summed over its labels, and only it', () => {
  const page = '# HELP a_total x\na_total{kind="1"} 3\na_total{kind="7"} 4\na_total_more 100\nb 2\n'
  expect(metricSum(page, 'a_total')).toBe(7)
  expect(metricSum(page, 'b')).toBe(2)
  expect(metricSum(page, 'none')).toBe(0)
})

test('the report names machine and commit, and is written as JSON and as text', () => {
  const times = { count: 9, p50: 1.234, p95: 12.3, p99: 45.6, max: 50 }
  const report: BenchReport = {
    startedAt: '2026-01-02T03:04:05.678Z',
    target: 'own stack',
    machine: { ...describeMachine(), commit: 'abc1234+' },
    publish: [
      { connections: 16, window: 1, accepted: 9, refused: 0, eventsPerSecond: 3_456.7, ackMs: times },
    ],
    requests: [
      {
        shape: '20 ids',
        connections: 16,
        requestsPerSecond: 99,
        eventsPerRequest: 20,
        firstFrameMs: times,
        eoseMs: times,
      },
    ],
    fanout: [
      {
        subscribers: 1_000,
        eventsPerSecond: null,
        events: 9,
        deliveries: 9_000,
        deliveriesPerSecond: 88_000,
        deliveryMs: times,
      },
    ],
    sink: { rows: 30_000, rowsPerSecond: 12_345 },
    memory: [{ process: 'kafka', rssMib: 380.4 }],
  }
  const text = renderReport(report)
  for (const part of [
    'commit abc1234+',
    'publish 16×1',
    '3,457 events/s',
    '1.23',
    '12.3',
    '20 ids',
    '88,000 deliveries/s',
    '12,345 rows/s',
    '380 MiB',
  ])
    expect(text).toContain(part)
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const path = writeReport(report, folder)
  expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toEqual(report)
  expect(readFileSync(`${path}.txt`, 'utf8')).toBe(text)
  rmSync(folder, { recursive: true })
})
