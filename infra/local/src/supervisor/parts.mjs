import { join } from 'node:path'
import { startClickHouse } from '../clickhouse/launch.mjs'
import { startKafka } from '../kafka/launch.mjs'
import { cacheDirectory, NODE, ROOT } from '../paths.mjs'
import { httpCall } from '../process/http.mjs'
import { launch } from '../process/launched.mjs'
import { LogFile } from '../process/log-file.mjs'
import { whenReady } from '../process/server.mjs'
import { LastError } from './app-log.mjs'
import { relayMalloc, relayNodeFlags } from './relay-memory.mjs'

/** Longer than an app allows itself (libs/observability), so that it is never cut off while it still writes. */
const APP_STOP_TIMEOUT_MS = 25_000

/**
 * Of what works behind the log: people wait for the edge and for Kafka's acknowledgement, never for ClickHouse to have a row.
 * When processors are short it lags, and catches up.
 */
const BEHIND_THE_LOG_NICENESS = 10

/**
 * What every part is built from.
 * @typedef {object} PartContext
 * @property {import('../settings.mjs').StackSettings} settings
 * @property {NodeJS.ProcessEnv} env as the person who starts the stack gave it
 * @property {(name: string, text: string) => void} onFatalLine
 *
 * @typedef {import('./part.mjs').PartDefinition} PartDefinition
 */

/** Flags that the person who starts the stack gives to every app: `APP_NODE_FLAGS='--cpu-prof --cpu-prof-dir=…'`. @param {NodeJS.ProcessEnv} env */
const flagsOf = (env) => (env['APP_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '')

/** A part's log on disk and its last error. @param {PartContext} context @param {string} name */
function logOf({ settings, onFatalLine }, name) {
  const file = new LogFile(join(settings.dataDir, 'logs', `${name}.log`))
  const lastError = new LastError()
  /** @param {string} line */
  const onLog = (line) => {
    file.write(line)
    const fatal = lastError.read(line)
    if (fatal !== null) onFatalLine(name, fatal)
  }
  return { onLog, lastError: () => lastError.message, fresh: () => lastError.clear() }
}

/** @param {PartContext} context @returns {PartDefinition} */
export function kafkaPart(context) {
  const { ports, dataDir } = context.settings
  const log = logOf(context, 'kafka')
  return {
    name: 'kafka',
    address: `127.0.0.1:${ports.kafka}`,
    opsUrl: null,
    lastError: log.lastError,
    start: ({ signal, onPid }) => {
      log.fresh()
      const options = {
        port: ports.kafka,
        controllerPort: ports.kafkaController,
        signal,
        onPid,
        onLog: log.onLog,
      }
      return startKafka({ dataDir: join(dataDir, 'kafka'), ...options })
    },
  }
}

/** @param {PartContext} context @returns {PartDefinition} */
export function clickHousePart(context) {
  const { ports, dataDir, clickHouseMemoryBytesMax: memoryBytesMax } = context.settings
  const log = logOf(context, 'clickhouse')
  return {
    name: 'clickhouse',
    address: `http://127.0.0.1:${ports.clickHouseHttp}`,
    opsUrl: null,
    lastError: log.lastError,
    start: ({ signal, onPid }) => {
      log.fresh()
      const options = { httpPort: ports.clickHouseHttp, tcpPort: ports.clickHouseTcp, memoryBytesMax }
      const { env } = context
      return startClickHouse({
        dataDir: join(dataDir, 'clickhouse'),
        ...options,
        niceness: BEHIND_THE_LOG_NICENESS,
        env,
        signal,
        onPid,
        onLog: log.onLog,
      })
    },
  }
}

/** Where the servers are, for every app and ctl. @param {PartContext} context @returns {NodeJS.ProcessEnv} */
export function appEnvironment({ settings, env }) {
  const { ports, dataDir, externalKafka, externalClickHouse } = settings
  return {
    ...env,
    KAFKA_BROKERS: externalKafka ?? `127.0.0.1:${ports.kafka}`,
    CLICKHOUSE_URL: externalClickHouse ?? `http://127.0.0.1:${ports.clickHouseHttp}`,
    MILLRACE_DATA: dataDir,
    MILLRACE_PARENT_PIPE: '1',
    LOG_FORMAT: 'json',
    // Types are stripped and code is compiled once, not at every start of every process and thread.
    NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] || join(cacheDirectory(env), 'node'),
  }
}

/**
 * @typedef {object} AppOptions
 * @property {string} name of the part
 * @property {string} app folder under apps/
 * @property {NodeJS.ProcessEnv} env
 * @property {string} address
 * @property {string | null} opsUrl
 * @property {string} readyUrl answers 200 once it is ready
 * @property {number} [niceness]
 * @property {readonly string[]} [nodeFlags]
 */

/** @param {PartContext} context @param {AppOptions} options @returns {PartDefinition} */
function appPart(context, { name, app, env, address, opsUrl, readyUrl, niceness = 0, nodeFlags = [] }) {
  const log = logOf(context, name)
  return {
    name,
    address,
    opsUrl,
    lastError: log.lastError,
    async start({ signal, onPid, detail }) {
      log.fresh()
      const child = launch({
        command: NODE,
        args: [...nodeFlags, ...flagsOf(context.env), join(ROOT, 'apps', app, 'src', 'main.ts')],
        cwd: ROOT,
        env: { ...appEnvironment(context), ...env },
        onLog: log.onLog,
        niceness,
      })
      onPid(child.pid)
      await whenReady(child, { name, isReady: () => isReady(readyUrl, detail), signal })
      const stop = () => child.stop({ by: 'SIGTERM', timeoutMs: APP_STOP_TIMEOUT_MS })
      return { pid: child.pid, exited: child.exited, kill: child.kill, stop }
    },
  }
}

/** @param {string} url @param {(text: string) => void} detail */
async function isReady(url, detail) {
  try {
    const { status, text } = await httpCall({ url })
    if (status === 200) return true
    detail(missing(text))
  } catch {
    // Not listening yet.
  }
  return false
}

/** What a 503 of /ready or /health says is missing. @param {string} body */
function missing(body) {
  try {
    const { checks = {} } = JSON.parse(body)
    return Object.entries(checks)
      .filter(([, state]) => state !== 'ok')
      .map(([check, state]) => `${check}: ${typeof state === 'string' ? state : JSON.stringify(state)}`)
      .join(', ')
  } catch {
    return ''
  }
}

/** @param {PartContext} context @returns {PartDefinition} */
export function storagePart(context) {
  const port = context.settings.ports.storageOps
  const opsUrl = `http://127.0.0.1:${port}`
  const env = { OPS_PORT: String(port) }
  return appPart(context, {
    name: 'storage',
    app: 'storage',
    env,
    address: opsUrl,
    opsUrl,
    readyUrl: `${opsUrl}/ready`,
    niceness: BEHIND_THE_LOG_NICENESS,
  })
}

/**
 * @param {PartContext} context
 * @param {string} relayUrl of the first edge: what a request to vanish means
 * @returns {PartDefinition}
 */
export function deletionPart(context, relayUrl) {
  const { ports, relayHost } = context.settings
  const opsUrl = `http://127.0.0.1:${ports.deletionOps}`
  const env = {
    OPS_PORT: String(ports.deletionOps),
    RELAY_HOST: relayHost,
    RELAY_PORT: String(ports.relay),
    RELAY_URL: relayUrl,
    DELETION_INSTANCE_ID: context.env['DELETION_INSTANCE_ID'] || 'deletion-1',
  }
  return appPart(context, {
    name: 'deletion',
    app: 'deletion',
    env,
    address: opsUrl,
    opsUrl,
    readyUrl: `${opsUrl}/ready`,
    niceness: BEHIND_THE_LOG_NICENESS,
  })
}

/**
 * A relay process.
 * @param {PartContext} context
 * @param {{ id: string, port: number, opsPort: number, url: string }} edge
 * @returns {PartDefinition}
 */
export function relayPart(context, { id, port, opsPort, url }) {
  const { dataDir, relayHost } = context.settings
  const opsUrl = `http://127.0.0.1:${opsPort}`
  const env = {
    EDGE_ID: id,
    RELAY_PORT: String(port),
    RELAY_HOST: relayHost,
    RELAY_URL: url,
    RELAY_SECRET_KEY_FILE: context.env['RELAY_SECRET_KEY_FILE'] || join(dataDir, 'relay-secret.key'),
    OPS_PORT: String(opsPort),
    ...relayMalloc(context.env),
  }
  const readyUrl = `${opsUrl}/ready`
  const nodeFlags = relayNodeFlags(context.env)
  return appPart(context, { name: id, app: 'relay', env, address: url, opsUrl, readyUrl, nodeFlags })
}

/** @param {PartContext} context @returns {PartDefinition} */
export function queryApiPart(context) {
  const { ports, apiHost } = context.settings
  const address = `http://${reachable(apiHost)}:${ports.api}`
  const env = {
    API_PORT: String(ports.api),
    API_HOST: apiHost,
    HEALTH_TARGETS: `relay=http://127.0.0.1:${ports.relayOps}/ready,storage=http://127.0.0.1:${ports.storageOps}/ready,deletion=http://127.0.0.1:${ports.deletionOps}/ready`,
  }
  return appPart(context, {
    name: 'query-api',
    app: 'query-api',
    env,
    address,
    opsUrl: address,
    readyUrl: `${address}/health`,
  })
}

/** The address to reach a listener on this machine. @param {string} host */
export const reachable = (host) =>
  host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
