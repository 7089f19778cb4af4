import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NODE } from './paths.mjs'
import { httpCall } from './process/http.mjs'
import { freePorts } from './process/ports.mjs'
import { delayMs } from './process/until.mjs'
import { PORT_VARIABLES } from './settings.mjs'
import { controlPointer } from './supervisor/control-server.mjs'

const UP = fileURLToPath(new URL('./up.mjs', import.meta.url))
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 90_000
const CONTROL_TIMEOUT_MS = 60_000
const OUTPUT_CHARACTERS_MAX = 16_384

/**
 * A part as GET /status shows it.
 * @typedef {object} PartStatus
 * @property {string} name kafka, clickhouse, storage, deletion, edge-1, edge-2, …, query-api
 * @property {import('./supervisor/part.mjs').PartState} state
 * @property {number | null} pid
 * @property {string | null} address
 * @property {string | null} opsUrl
 * @property {number} restarts
 * @property {string | null} lastExit
 *
 * @typedef {object} StackStatus
 * @property {import('./supervisor/stack.mjs').StackState} state
 * @property {number} pid
 * @property {string} dataDir
 * @property {import('./settings.mjs').StackPorts} ports
 * @property {PartStatus[]} parts
 *
 * @typedef {object} StackOptions
 * @property {string} dataDir
 * @property {{ [P in keyof import('./settings.mjs').StackPorts]?: number | undefined }} [ports] the defaults of `npm start` for those left out
 * @property {Readonly<Record<string, string | undefined>>} [env] beside this process's environment
 * @property {number} [startTimeoutMs]
 * @property {(line: string) => void} [onOutput] what `npm start` would print
 *
 * @typedef {object} RunningStack
 * @property {number} pid of the supervisor
 * @property {() => Promise<StackStatus>} status
 * @property {(method: string, path: string, body?: unknown) => Promise<unknown>} control one call to the control socket; rejects with its refusal
 * @property {() => Promise<number | null>} stop as Ctrl-C does; answers the exit code
 * @property {() => Promise<number | null>} kill SIGKILL to the supervisor alone
 * @property {Promise<number | null>} exited
 * @property {() => string} output what it printed last
 */

/**
 * Starts a whole stack as `npm start` does, without its setup, and waits until every part is ready. Rejects with what it
 * printed when it does not come up. It ends with this process.
 * @param {StackOptions} options
 * @returns {Promise<RunningStack>}
 */
export async function startStack({
  dataDir,
  ports = {},
  env = {},
  startTimeoutMs = START_TIMEOUT_MS,
  onOutput,
}) {
  const [relayOps, storageOps, deletionOps] = await freePorts(3)
  const child = fork(UP, ['--no-color'], {
    execPath: NODE,
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      ...env,
      MILLRACE_DATA: dataDir,
      ...portVariables({ relayOps, storageOps, deletionOps, ...ports }),
    },
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      printed = (printed + text).slice(-OUTPUT_CHARACTERS_MAX)
      for (const line of text.split('\n')) if (line !== '') onOutput?.(line)
    })
  let running = true
  const exited = /** @type {Promise<number | null>} */ (
    new Promise((resolve) => {
      child.once('close', (code) => {
        running = false
        resolve(code)
      })
    })
  )
  const control = controlOf(dataDir)
  const status = () => /** @type {Promise<StackStatus>} */ (control('GET', '/status'))
  const end = (/** @type {NodeJS.Signals} */ signal) => {
    if (running) child.kill(signal)
    return exited
  }
  const stop = async () => {
    const timer = setTimeout(() => void end('SIGKILL'), STOP_TIMEOUT_MS)
    return end('SIGINT').finally(() => clearTimeout(timer))
  }
  const endMs = performance.now() + startTimeoutMs
  // Another stack on the same folder would answer in its place.
  const isReady = async () => {
    const answer = await status().catch(() => null)
    return answer?.pid === child.pid && answer?.state === 'ready'
  }
  while (running && performance.now() < endMs && !(await isReady())) await delayMs(50)
  if (!running) throw new Error(`the stack did not start (exit code ${await exited}):\n${printed}`)
  if (performance.now() >= endMs) {
    await stop()
    throw new Error(`the stack was not ready within ${startTimeoutMs} ms:\n${printed}`)
  }
  return {
    pid: child.pid ?? 0,
    status,
    control,
    stop,
    kill: () => end('SIGKILL'),
    exited,
    output: () => printed,
  }
}

/** @param {NonNullable<StackOptions['ports']>} ports */
function portVariables(ports) {
  const given = Object.entries(ports).filter(([, port]) => port !== undefined)
  return Object.fromEntries(
    given.map(([name, port]) => [
      PORT_VARIABLES[/** @type {keyof typeof PORT_VARIABLES} */ (name)],
      String(port),
    ]),
  )
}

/**
 * Calls the control socket of the stack on a data folder.
 * @param {string} dataDir
 * @returns {RunningStack['control']}
 */
const controlOf = (dataDir) => async (method, path, body) => {
  const { socket } = JSON.parse(readFileSync(controlPointer(dataDir), 'utf8'))
  const { status, text } = await httpCall({
    socketPath: socket,
    path,
    method,
    body,
    timeoutMs: CONTROL_TIMEOUT_MS,
  })
  const answer = JSON.parse(text)
  if (status >= 300) throw new Error(`${method} ${path}: ${answer.error}`)
  return answer
}
