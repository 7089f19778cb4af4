import { mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.mjs'
import { assertPortFree } from '../process/ports.mjs'
import { isMovable, PORT_VARIABLES, usedPorts } from '../settings.mjs'
import { lockOwner } from './data-lock.mjs'

const NODE_MAJOR_MIN = 20
const DISK_FREE_BYTES_MIN = 2 * 1024 ** 3

/** The stack's lock. @param {string} dataDir */
export const stackLock = (dataDir) => join(dataDir, 'run', 'lock.json')

export function assertNodeVersion(version = process.versions.node) {
  if (Number(version.split('.')[0]) < NODE_MAJOR_MIN)
    throw new OperatorError(`Node ${version} is too old: Node ${NODE_MAJOR_MIN} or newer is needed to start`)
}

/** @param {string} directory made when absent */
export function assertDiskSpace(directory, freeBytesMin = DISK_FREE_BYTES_MIN) {
  try {
    mkdirSync(directory, { recursive: true })
  } catch (error) {
    throw new OperatorError(`cannot make the folder ${directory}: ${/** @type {Error} */ (error).message}`)
  }
  const { bavail, bsize } = statfsSync(directory)
  const freeBytes = bavail * bsize
  const gib = (/** @type {number} */ bytes) => (bytes / 1024 ** 3).toFixed(1)
  if (freeBytes < freeBytesMin)
    throw new OperatorError(
      `${directory} has ${gib(freeBytes)} GiB free, ${gib(freeBytesMin)} GiB are needed: make room, or set MILLRACE_DATA to a folder on another disk`,
    )
}

/** What a port serves, for people. @type {Readonly<Record<keyof import('../settings.mjs').StackPorts, string>>} */
export const PORT_USES = {
  relay: 'the relay',
  relayOps: "the relay's ops server",
  storageOps: "storage's ops server",
  deletionOps: "deletion's ops server",
  api: 'the query API',
  kafka: 'Kafka',
  kafkaController: "Kafka's controller",
  clickHouseHttp: 'ClickHouse HTTP',
  clickHouseTcp: 'ClickHouse native',
}

/**
 * Everything that would make a start fail for a reason outside this repository, before anything is touched. Throws
 * OperatorError.
 * @param {import('../settings.mjs').StackSettings} settings
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function preflight(settings, env = process.env) {
  assertNodeVersion()
  assertDiskSpace(settings.dataDir)
  const owner = lockOwner(stackLock(settings.dataDir))
  if (owner !== null)
    throw new OperatorError(
      `a stack is already running on ${settings.dataDir} (pid ${owner.pid}): stop it, or set MILLRACE_DATA and the ports to others`,
    )
  for (const [name, port] of usedPorts(settings)) {
    if (isMovable(name, env)) continue
    const host = name === 'relay' ? settings.relayHost : name === 'api' ? settings.apiHost : '127.0.0.1'
    await assertPortFree(port, { host, usedFor: PORT_USES[name], variable: PORT_VARIABLES[name] })
  }
}
