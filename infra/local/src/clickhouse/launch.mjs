import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { httpCall } from '../process/http.mjs'
import { launch } from '../process/launched.mjs'
import { assertPortFree } from '../process/ports.mjs'
import { whenReady } from '../process/server.mjs'
import { configXml } from './config.mjs'
import { usersXml } from './users.mjs'

const SERVER = fileURLToPath(new URL('./embedded-server.mjs', import.meta.url))
const START_TIMEOUT_MS = 300_000
const STOP_TIMEOUT_MS = 30_000
const MEMORY_BYTES_MAX = 3 * 1024 ** 3

/** The last statement reads stdin, so the server lives as long as the pipe to us is open. */
const STATEMENTS = 'SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT count() FROM table FORMAT Null'

/**
 * @typedef {object} ClickHouseOptions
 * @property {string} dataDir kept between starts; made when absent
 * @property {number} httpPort
 * @property {number} tcpPort native protocol
 * @property {number} [memoryBytesMax] of the whole server (default 3 GiB)
 * @property {number} [niceness] see process/launched.mjs
 * @property {NodeJS.ProcessEnv} [env] where users' names and passwords come from (default: this process's)
 * @property {AbortSignal} [signal] kills it while it starts
 * @property {(pid: number) => void} [onPid] called before it is ready
 * @property {(line: string) => void} [onLog] the server's log, warnings and worse, one line a call
 *
 * @typedef {object} RunningClickHouse
 * @property {string} url as CLICKHOUSE_URL wants it
 * @property {number} pid
 * @property {() => Promise<import('../process/launched.mjs').Exit>} stop clean shutdown
 * @property {() => Promise<import('../process/launched.mjs').Exit>} kill SIGKILL
 * @property {Promise<import('../process/launched.mjs').Exit>} exited
 */

/**
 * Starts a real ClickHouse server from libchdb and waits until it answers /ping. Throws OperatorError for a taken port,
 * Error with the server's last lines when it does not come up.
 * @param {ClickHouseOptions} options
 * @returns {Promise<RunningClickHouse>}
 */
export async function startClickHouse({
  dataDir,
  httpPort,
  tcpPort,
  memoryBytesMax = MEMORY_BYTES_MAX,
  niceness,
  env = process.env,
  signal,
  onPid,
  onLog,
}) {
  await assertPortFree(httpPort, { usedFor: 'ClickHouse HTTP', variable: 'CLICKHOUSE_HTTP_PORT' })
  await assertPortFree(tcpPort, { usedFor: 'ClickHouse native', variable: 'CLICKHOUSE_TCP_PORT' })
  const store = join(dataDir, 'store')
  mkdirSync(store, { recursive: true })
  const usersFile = join(dataDir, 'users.xml')
  const configFile = join(dataDir, 'config.xml')
  writePrivate(usersFile, usersXml(env))
  writePrivate(configFile, configXml({ usersFile, memoryBytesMax }))
  const child = launch({
    command: process.execPath,
    args: [SERVER, ...serverArguments({ store, configFile, httpPort, tcpPort })],
    ...(onLog ? { onLog } : {}),
    ...(niceness === undefined ? {} : { niceness }),
  })
  const url = `http://127.0.0.1:${httpPort}`
  onPid?.(child.pid)
  await whenReady(child, {
    name: 'ClickHouse',
    isReady: () => answersPing(url),
    deadlineMs: START_TIMEOUT_MS,
    signal,
  })
  return {
    url,
    pid: child.pid,
    exited: child.exited,
    kill: child.kill,
    stop: () => child.stop({ by: 'close-input', timeoutMs: STOP_TIMEOUT_MS }),
  }
}

/** @param {{ store: string, configFile: string, httpPort: number, tcpPort: number }} options */
const serverArguments = ({ store, configFile, httpPort, tcpPort }) => [
  ...['--path', store, '--config-file', configFile, '--log-level', 'warning'],
  ...['--listen_host', '127.0.0.1', '--http_port', String(httpPort), '--tcp_port', String(tcpPort)],
  ...['--structure', 'x String', '--input-format', 'LineAsString', '--query', STATEMENTS],
]

/** Password hashes are nobody else's business. @param {string} file @param {string} text */
function writePrivate(file, text) {
  rmSync(file, { force: true })
  writeFileSync(file, text, { mode: 0o600 })
}

/** @param {string} url */
async function answersPing(url) {
  try {
    return (await httpCall({ url: `${url}/ping` })).text === 'Ok.\n'
  } catch {
    return false
  }
}
