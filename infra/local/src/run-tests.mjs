// Behind `npm test`, on the pinned Node 24: the servers that the integration and contract suites share, around vitest.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { startClickHouse } from './clickhouse/launch.mjs'
import { startKafka } from './kafka/launch.mjs'
import { cacheDirectory, NODE, ROOT } from './paths.mjs'
import { LogFile } from './process/log-file.mjs'
import { freePorts } from './process/ports.mjs'
import { runEntry } from './setup/entry.mjs'
import { assertDiskSpace } from './setup/preflight.mjs'
import { Progress } from './setup/progress.mjs'
import { endSurvivors } from './survivors.mjs'
import { runVitest } from './vitest.mjs'

const args = process.argv.slice(2).filter((arg) => arg !== '--no-color')
const progress = new Progress({ color: args.length === process.argv.length - 2 })
const abort = new AbortController()
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => abort.abort())
if (process.connected) process.once('disconnect', () => abort.abort())

/** Settings of a stack that a developer's shell may carry must not reach the tests. */
const STACK_VARIABLES =
  /^(KAFKA_|CLICKHOUSE_|RELAY_|API_|STORAGE_|MILLRACE_DATA$|MILLRACE_CONFIG$|EDGE_ID$|OPS_PORT$)/

function cleanEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !STACK_VARIABLES.test(name))
  const path = [dirname(NODE), join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  return { ...Object.fromEntries(kept), PATH: path, MILLRACE_CACHE: cacheDirectory() }
}

/** @param {string} folder */
async function startServers(folder) {
  const [port = 0, controllerPort = 0, httpPort = 0, tcpPort = 0] = await freePorts(4)
  const kafkaLog = new LogFile(join(folder, 'kafka.log'))
  const clickHouseLog = new LogFile(join(folder, 'clickhouse.log'))
  const { signal } = abort
  const starts = await Promise.allSettled([
    startKafka({
      dataDir: join(folder, 'kafka'),
      port,
      controllerPort,
      // The contract suite waits for compaction: seconds instead of quarter minutes.
      properties: { 'log.cleaner.backoff.ms': 200, 'log.retention.check.interval.ms': 1000 },
      signal,
      onLog: (line) => kafkaLog.write(line),
    }),
    startClickHouse({
      dataDir: join(folder, 'clickhouse'),
      httpPort,
      tcpPort,
      env: {},
      signal,
      onLog: (line) => clickHouseLog.write(line),
    }),
  ])
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const stop = async () => void (await Promise.all(running.map((server) => server.stop())))
  const [kafka, clickHouse] = starts
  if (kafka.status === 'fulfilled' && clickHouse.status === 'fulfilled') {
    const env = {
      TEST_KAFKA_BROKERS: kafka.value.brokers,
      TEST_CLICKHOUSE_URL: clickHouse.value.url,
      TEST_CLICKHOUSE_TCP_PORT: String(tcpPort),
      TEST_KAFKA_CACHE: cacheDirectory(),
    }
    return { env, stop }
  }
  await stop()
  throw starts.find((start) => start.status === 'rejected')?.reason
}

await runEntry(async () => {
  assertDiskSpace(tmpdir())
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  try {
    const servers = await progress.step('Kafka and ClickHouse for the tests', () => startServers(folder))
    try {
      return await runVitest(args, { ...cleanEnvironment(), ...servers.env, TMPDIR: folder }, abort.signal)
    } finally {
      await progress.step('stopping them', () => servers.stop())
    }
  } finally {
    const killed = await endSurvivors('TMPDIR', folder)
    if (killed.length > 0) progress.notice(`killed what the tests left running: ${killed.join(', ')}`)
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
})
