import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testClickHouseUrl, testKafkaBrokers, until } from '@millrace/testkit'
import { freePorts } from '@millrace/testkit/stack'
import { afterEach, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function run(env: NodeJS.ProcessEnv, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      ...process.env,
      LOG_FORMAT: 'json',
      KAFKA_BROKERS: testKafkaBrokers().join(','),
      CLICKHOUSE_URL: testClickHouseUrl(),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      output += String(chunk)
    })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { child, exited, output: () => output }
}

const health = async (port: number) => {
  const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
  return response === null ? null : { status: response.status, body: (await response.json()) as unknown }
}

test('it starts, tells its health, and stops cleanly when asked', async () => {
  const [port = 0] = await freePorts(1)
  const { child, exited, output } = run({ API_PORT: String(port) })
  await until(async () => (await health(port))?.status === 200, { what: 'health', deadlineMs: 30_000 })
  child.kill('SIGTERM')
  expect([await exited, output()]).toEqual([0, expect.stringContaining('stopped')])
}, 60_000)

test('a request continues the trace of its caller', async () => {
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-trace-'))
  const traceFile = join(folder, 'spans.jsonl')
  const { child, exited } = run({ API_PORT: String(port), TRACE_FILE: traceFile })
  await until(async () => (await health(port)) !== null, { what: 'health', deadlineMs: 30_000 })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await fetch(`http://127.0.0.1:${port}/mode`, {
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  })
  child.kill('SIGTERM')
  await exited
  const spans = readFileSync(traceFile, 'utf8').trim().split('\n')
  rmSync(folder, { recursive: true })
  expect(spans.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      name: 'api.request',
      trace_id: traceId,
      attributes: { 'http.request.method': 'GET', 'http.route': '/mode' },
    }),
  ])
}, 60_000)

test('it ends with its parent', async () => {
  const [port = 0] = await freePorts(1)
  const { child, exited } = run({ API_PORT: String(port), MILLRACE_PARENT_PIPE: '1' })
  await until(async () => (await health(port)) !== null, { what: 'health', deadlineMs: 30_000 })
  child.stdin?.end()
  expect(await exited).toBe(0)
}, 60_000)

test('it runs without ClickHouse, Kafka and its neighbours, and names what is missing', async () => {
  const [port = 0, nobody = 0] = await freePorts(2)
  run({
    API_PORT: String(port),
    CLICKHOUSE_URL: `http://127.0.0.1:${nobody}`,
    KAFKA_BROKERS: `127.0.0.1:${nobody}`,
    HEALTH_TARGETS: `relay=http://127.0.0.1:${nobody}/ready`,
  })
  const answer = await until(() => health(port), { what: 'an answer', deadlineMs: 30_000 })
  expect(answer).toEqual({
    status: 503,
    body: {
      ready: false,
      checks: {
        clickhouse: expect.stringContaining('ECONNREFUSED'),
        relay: expect.stringContaining('ECONNREFUSED'),
      },
    },
  })
}, 60_000)

test('a port that is taken is an operator’s matter', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const { exited, output } = run({ API_PORT: String(port) })
  expect([await exited, output()]).toEqual([78, expect.stringContaining('EADDRINUSE')])
  other.close()
}, 60_000)

test.each([
  [{ HEALTH_TARGETS: 'relay' }, 'HEALTH_TARGETS'],
  [{ HEALTH_TARGETS: 'relay=ftp://x' }, 'HEALTH_TARGETS'],
  [{ API_PORT: 'seven' }, 'API_PORT'],
])(
  '%j is refused before anything starts',
  async (env, name) => {
    const { exited, output } = run(env, '--validate')
    expect([await exited, output()]).toEqual([78, expect.stringContaining(name)])
  },
  60_000,
)
