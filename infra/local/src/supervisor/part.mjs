import { OperatorError } from '../operator-error.mjs'
import { describeExit } from '../process/launched.mjs'

/**
 * A started process, as the launchers answer it.
 * @typedef {object} Handle
 * @property {number} pid
 * @property {Promise<import('../process/launched.mjs').Exit>} exited
 * @property {() => Promise<unknown>} stop
 * @property {() => Promise<unknown>} kill
 *
 * @typedef {'stopped' | 'starting' | 'ready' | 'waiting' | 'stopping' | 'failed'} PartState waiting: for its next restart
 *
 * What one start is given.
 * @typedef {object} StartContext
 * @property {AbortSignal} signal aborts when the part shall stop while it starts
 * @property {(pid: number) => void} onPid as soon as there is a process
 * @property {(text: string) => void} detail what it waits for
 *
 * @typedef {object} PartDefinition
 * @property {string} name
 * @property {string | null} address where clients reach it
 * @property {string | null} opsUrl
 * @property {(context: StartContext) => Promise<Handle>} start resolves when it is ready
 * @property {() => string | null} lastError its last error line, null without one
 *
 * @typedef {object} PartEvents
 * @property {(text: string) => void} notice something people should read
 * @property {(error: Error) => void} fatal the whole stack has to stop
 */

/** "An operator has to act" (sysexits.h EX_CONFIG): restarting would only hide it. */
export const EXIT_FATAL = 78
const CRASHES_MAX = 5
const CRASH_WINDOW_MS = 60_000
const BACKOFF_MS = [100, 500, 1000, 2000, 4000]

/** A start that ended with EXIT_FATAL. @param {unknown} error */
export const isRefusal = (error) => /** @type {{ exitCode?: number }} */ (error).exitCode === EXIT_FATAL

/** One process of the stack: started, watched, restarted after crashes, stopped. */
export class Part {
  /** @type {PartState} */
  state = 'stopped'
  restarts = 0
  /** @type {number | null} */
  pid = null
  /** @type {string | null} */
  lastExit = null
  /** @type {Handle | null} */
  #handle = null
  /** @type {AbortController | null} */
  #starting = null
  /** @type {Promise<void> | null} */
  #work = null
  /** @type {number[]} */
  #crashedAtMs = []
  /** @type {NodeJS.Timeout | undefined} of the next restart */
  #timer

  /** @param {PartDefinition} definition @param {PartEvents} events */
  constructor(definition, events) {
    this.definition = definition
    this.name = definition.name
    this.events = events
  }

  /**
   * Starts it and waits until it is ready; rejects when it does not come up. A part that runs already stays as it is.
   * @param {(text: string) => void} [detail]
   */
  async start(detail = () => {}) {
    if (this.state === 'ready' || this.state === 'starting') return this.#work ?? undefined
    clearTimeout(this.#timer)
    this.#work = this.#startOnce(detail)
    return this.#work
  }

  /** @param {(text: string) => void} detail */
  async #startOnce(detail) {
    this.state = 'starting'
    const starting = new AbortController()
    this.#starting = starting
    try {
      const handle = await this.definition.start({
        signal: starting.signal,
        onPid: (pid) => {
          this.pid = pid
        },
        detail,
      })
      this.#handle = handle
      this.pid = handle.pid
      this.state = 'ready'
      void handle.exited.then((exit) => this.#ended(handle, exit))
    } catch (error) {
      this.pid = null
      this.state = starting.signal.aborted ? 'stopped' : 'failed'
      throw error
    } finally {
      this.#starting = null
    }
  }

  /** @param {Handle} handle @param {import('../process/launched.mjs').Exit} exit */
  #ended(handle, exit) {
    if (this.#handle !== handle) return
    this.#handle = null
    this.pid = null
    this.lastExit = describeExit(exit)
    if (this.state !== 'ready') return
    if (exit.code === EXIT_FATAL) return this.#refuse()
    this.#crashed(this.lastExit)
  }

  /** @param {string} how */
  #crashed(how) {
    const nowMs = performance.now()
    this.#crashedAtMs = [...this.#crashedAtMs.filter((at) => nowMs - at < CRASH_WINDOW_MS), nowMs]
    const crashes = this.#crashedAtMs.length
    if (crashes > CRASHES_MAX)
      return this.#giveUp(`${crashes} crashes within ${CRASH_WINDOW_MS / 1000} s, the last by ${how}`)
    this.state = 'waiting'
    const delayMs = BACKOFF_MS[Math.min(crashes, BACKOFF_MS.length) - 1] ?? 0
    this.events.notice(`${this.name} ended by ${how}; restarting in ${delayMs} ms`)
    this.#timer = setTimeout(() => void this.#restart(), delayMs)
  }

  async #restart() {
    this.restarts++
    this.#work = this.#startOnce(() => {})
    try {
      await this.#work
      this.events.notice(`${this.name} is back`)
    } catch (error) {
      // `stopped` is not a crash: somebody asked for it while it came up.
      if (/** @type {PartState} */ (this.state) !== 'failed') return
      if (isRefusal(error)) return this.#refuse()
      this.#crashed(/** @type {Error} */ (error).message.split('\n')[0] ?? 'a failed start')
    }
  }

  #refuse() {
    this.state = 'failed'
    this.events.fatal(this.refusal())
  }

  /** @param {string} reason */
  #giveUp(reason) {
    this.state = 'failed'
    this.events.fatal(new OperatorError(`${this.name}: ${reason}`))
  }

  /** Why it cannot run until an operator acts, in its own words. */
  refusal() {
    const reason = this.definition.lastError() ?? 'it refuses to run'
    return Object.assign(new OperatorError(`${this.name}: ${reason}`), { exitCode: EXIT_FATAL })
  }

  /** Stops it and what it is about to do; resolves when no process of it is left. */
  async stop() {
    clearTimeout(this.#timer)
    if (this.#starting !== null) {
      this.#starting.abort()
      await this.#work?.catch(() => {})
    }
    const handle = this.#handle
    if (handle !== null) {
      this.state = 'stopping'
      await handle.stop()
      this.#handle = null
      this.pid = null
    }
    this.state = 'stopped'
  }

  /** SIGKILL without a word; for an impatient operator. */
  async kill() {
    this.#starting?.abort()
    this.state = 'stopping'
    await this.#handle?.kill()
  }

  status() {
    const { address, opsUrl } = this.definition
    const { name, state, pid, restarts, lastExit } = this
    return { name, state, pid, address, opsUrl, restarts, lastExit }
  }
}
