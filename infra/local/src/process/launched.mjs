import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delayMs } from './until.mjs'

/**
 * How a process ended.
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, lastLines: readonly string[] }} Exit
 *
 * A running child. `exited` always resolves, also when the program could not be started (code 127).
 * @typedef {object} Launched
 * @property {number} pid 0 when it could not be started
 * @property {Promise<Exit>} exited
 * @property {() => boolean} isRunning
 * @property {(signal: NodeJS.Signals) => void} signal to the process itself
 * @property {() => void} closeInput closes its stdin, which ends every child of ours
 * @property {() => Promise<Exit>} kill SIGKILL, to it and all it started
 * @property {(options: StopOptions) => Promise<Exit>} stop
 *
 * @typedef {object} StopOptions
 * @property {NodeJS.Signals | 'close-input'} by how it is asked to stop
 * @property {number} timeoutMs after which it is killed
 *
 * @typedef {object} LaunchOptions
 * @property {string} command
 * @property {readonly string[]} args
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [cwd]
 * @property {(line: string) => void} [onLog] every line of stdout and stderr
 * @property {number} [niceness] how far it stands back when processors are short: 0 (default) to 19
 */

const LINE_CHARACTERS_MAX = 64 * 1024
const LAST_LINES_MAX = 20
const STACK_FRAME = /^\s+(at |\.\.\. \d+ more)/
const DRAIN_TIMEOUT_MS = 500

/**
 * Starts a program in a process group of its own, so that the terminal's signals reach only us and nothing it starts
 * outlives it. Its stdin is a pipe that closes when we end, in whatever way.
 * @param {LaunchOptions} options
 * @returns {Launched}
 */
export function launch({ command, args, env = process.env, cwd, onLog, niceness = 0 }) {
  const [program, ...words] =
    niceness === 0 ? [command, ...args] : ['nice', '-n', String(niceness), command, ...args]
  const child = spawn(program ?? command, words, {
    env,
    detached: true,
    stdio: 'pipe',
    ...(cwd ? { cwd } : {}),
  })
  if (niceness > 0) standBack(child.pid, niceness)
  /** @type {string[]} */
  const lastLines = []
  /** @param {string} line */
  const keep = (line) => {
    // Frames of a stack trace would push out the words that explain it.
    if (!STACK_FRAME.test(line)) lastLines.push(line)
    if (lastLines.length > LAST_LINES_MAX) lastLines.shift()
    onLog?.(line)
  }
  readLines(child.stdout, keep)
  readLines(child.stderr, keep)
  child.stdin.on('error', () => {})
  let running = true
  const exited = /** @type {Promise<Exit>} */ (
    new Promise((resolve) => {
      child.once('error', (error) => {
        if (child.pid !== undefined) return
        running = false
        resolve({ code: 127, signal: null, lastLines: [error.message] })
      })
      child.once('exit', (code, signal) => {
        running = false
        signalGroup(child.pid, 'SIGKILL')
        child.stdin.destroy()
        // What it wrote last explains its end; a pipe held open by somebody else must not keep us.
        const drained = new Promise((done) => child.once('close', done))
        void Promise.race([drained, delayMs(DRAIN_TIMEOUT_MS)]).then(() =>
          resolve({ code, signal, lastLines }),
        )
      })
    })
  )
  const kill = () => {
    if (running) signalGroup(child.pid, 'SIGKILL')
    return exited
  }
  return {
    pid: child.pid ?? 0,
    exited,
    isRunning: () => running,
    signal: (signal) => void (running && child.kill(signal)),
    closeInput: () => void child.stdin.end(),
    kill,
    async stop({ by, timeoutMs }) {
      if (by === 'close-input') child.stdin.end()
      else if (running) child.kill(by)
      const timer = setTimeout(() => void kill(), timeoutMs)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
  }
}

/**
 * Linux shares processors between sessions first (sched(7), autogroup), and each of our children has one of its own: within it alone
 * `nice` would change nothing.
 * @param {number | undefined} pid @param {number} niceness
 */
function standBack(pid, niceness) {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness))
  } catch {
    // Another system, or one that groups processes by other means.
  }
}

/** @param {number | undefined} pid @param {NodeJS.Signals} signal */
function signalGroup(pid, signal) {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is empty: nothing is left to end.
  }
}

/** @param {import('node:stream').Readable} stream @param {(line: string) => void} onLine */
function readLines(stream, onLine) {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(0, LINE_CHARACTERS_MAX)
    for (const line of lines) if (line !== '') onLine(line)
  })
  stream.on('end', () => rest !== '' && onLine(rest))
  stream.on('error', () => {})
}

/**
 * How it ended, in words.
 * @param {Exit} exit
 */
export const describeExit = ({ code, signal }) => (signal === null ? `exit code ${code}` : `signal ${signal}`)
