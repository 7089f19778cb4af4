import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheDirectory } from '../paths.mjs'
import { launch } from '../process/launched.mjs'
import { assertPortFree } from '../process/ports.mjs'
import { whenReady } from '../process/server.mjs'
import { ensureKafkaJars } from './jars.mjs'
import { serverProperties } from './properties.mjs'

const LOG4J = fileURLToPath(new URL('./log4j2.xml', import.meta.url))
/** After a crash the broker reads back what it had not flushed. */
const START_TIMEOUT_MS = 300_000
const STOP_TIMEOUT_MS = 30_000

/** Written by class-archive.mjs. */
export const CLASS_ARCHIVE = 'classes.jsa'

const JVM_FLAGS = [
  '-Xms256m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${LOG4J}`,
  // A class archive of another JVM is passed over without a word.
  '-Xlog:cds=off',
  '-Xlog:cds+dynamic=off',
]

/**
 * The JVM does not notice its parent's end, so a watcher beside it reads the pipe to us: when that closes, for whatever
 * reason, the broker is told to stop, and killed if it does not within 30 s. `exec` makes our child's pid the JVM's.
 */
const WRAPPER = `
exec 3<&0
main=$$
(
  while read -r _ <&3; do :; done
  kill -TERM $main
  i=0
  while kill -0 $main && [ $i -lt 30 ]; do sleep 1; i=$((i + 1)); done
  kill -KILL $main
) >/dev/null 2>&1 </dev/null &
exec "$@" </dev/null 3<&-
`

/**
 * @typedef {object} KafkaOptions
 * @property {string} dataDir kept between starts; made when absent
 * @property {number} port
 * @property {number} controllerPort
 * @property {string} [cacheDir] where the jars are (default: MILLRACE_CACHE or .millrace/cache)
 * @property {Readonly<Record<string, string | number>>} [properties] broker settings that win over the launcher's
 * @property {readonly string[]} [jvmFlags] beside the launcher's
 * @property {AbortSignal} [signal] kills it while it starts
 * @property {(pid: number) => void} [onPid] called before it is ready
 * @property {(line: string) => void} [onLog] the broker's log, one line a call
 *
 * @typedef {object} RunningKafka
 * @property {string} brokers host:port, as KAFKA_BROKERS wants it
 * @property {number} pid of the JVM
 * @property {() => Promise<import('../process/launched.mjs').Exit>} stop controlled shutdown
 * @property {() => Promise<import('../process/launched.mjs').Exit>} kill SIGKILL
 * @property {Promise<import('../process/launched.mjs').Exit>} exited
 */

/**
 * Starts a real single-node broker (KRaft) and waits until it serves clients. Throws OperatorError for a taken port or
 * missing tools, Error with the broker's last lines when it does not come up.
 * @param {KafkaOptions} options
 * @returns {Promise<RunningKafka>}
 */
export async function startKafka({
  dataDir,
  port,
  controllerPort,
  cacheDir = cacheDirectory(),
  properties,
  jvmFlags = [],
  signal,
  onPid,
  onLog,
}) {
  await assertPortFree(port, { usedFor: 'Kafka', variable: 'KAFKA_PORT' })
  await assertPortFree(controllerPort, { usedFor: "Kafka's controller", variable: 'KAFKA_CONTROLLER_PORT' })
  const jars = await ensureKafkaJars({ cacheDir })
  mkdirSync(dataDir, { recursive: true })
  const configFile = join(dataDir, 'server.properties')
  writeFileSync(
    configFile,
    serverProperties({ dataDir, port, controllerPort, ...(properties ? { properties } : {}) }),
  )
  await formatOnce(dataDir, configFile, jars)
  const archive = join(jars, CLASS_ARCHIVE)
  const shared = existsSync(archive) && jvmFlags.length === 0 ? [`-XX:SharedArchiveFile=${archive}`] : []
  const java = ['java', ...JVM_FLAGS, ...shared, ...jvmFlags, '-cp', `${jars}/*`]
  const child = launch({
    command: 'sh',
    args: ['-c', WRAPPER, 'kafka', ...java, 'kafka.Kafka', configFile],
    ...(onLog ? { onLog } : {}),
  })
  onPid?.(child.pid)
  await whenReady(child, {
    name: 'Kafka',
    isReady: () => answersApiVersions(port),
    deadlineMs: START_TIMEOUT_MS,
    signal,
  })
  return {
    brokers: `127.0.0.1:${port}`,
    pid: child.pid,
    exited: child.exited,
    kill: child.kill,
    stop: () => child.stop({ by: 'SIGTERM', timeoutMs: STOP_TIMEOUT_MS }),
  }
}

/** @param {string} dataDir @param {string} configFile @param {string} jars */
async function formatOnce(dataDir, configFile, jars) {
  const log = join(dataDir, 'log')
  if (existsSync(join(log, 'bootstrap.checkpoint')) && existsSync(join(log, 'meta.properties'))) return
  // A format that was cut off leaves one file without the other; no record can be there yet.
  if (!existsSync(join(log, '__cluster_metadata-0'))) rmSync(log, { recursive: true, force: true })
  const clusterId = storedClusterId(join(dataDir, 'cluster-id'))
  // One word: an id may begin with a dash.
  const args = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', configFile]
  const flags = [
    '-Xmx128m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j2.configurationFile=${LOG4J}`,
  ]
  await promisify(execFile)('java', [...flags, '-cp', `${jars}/*`, ...args])
}

/** Kept beside the data, so that a log whose files were deleted comes back as the same cluster. @param {string} file */
function storedClusterId(file) {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const id = randomBytes(16).toString('base64url')
  writeFileSync(file, `${id}\n`)
  return id
}

/**
 * Whether a broker answers an ApiVersions request (key 18, version 0): an open port alone comes a second too early.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answersApiVersions(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    /** @param {boolean} ready */
    const settle = (ready) => {
      socket.destroy()
      resolve(ready)
    }
    socket.setTimeout(1000, () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
    socket.once('data', (data) => settle(data.length >= 8 && data.readInt32BE(4) === 7))
    // size, api key, api version, correlation id, client id (null)
    socket.once('connect', () => socket.write(Buffer.from('0000000a0012000000000007ffff', 'hex')))
  })
}
