import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { withCredentials } from '../clickhouse/credentials.mjs'
import { OperatorError } from '../operator-error.mjs'
import { NODE, ROOT } from '../paths.mjs'
import { launch } from '../process/launched.mjs'
import { assertPortFree, freePorts } from '../process/ports.mjs'
import { readLogLine } from './app-log.mjs'
import { EdgeList, nextFreePort } from './edges.mjs'
import { EXIT_FATAL, isRefusal, Part } from './part.mjs'
import {
  appEnvironment,
  clickHousePart,
  deletionPart,
  kafkaPart,
  queryApiPart,
  reachable,
  relayPart,
  storagePart,
} from './parts.mjs'

/** @typedef {'starting' | 'ready' | 'stopping'} StackState */

/** All parts of one stack, in the order they start. */
export class Stack {
  /** @type {StackState} */
  state = 'starting'
  /** @type {Part[]} */
  parts = []
  /** @type {import('../process/launched.mjs').Launched | null} */
  #command = null

  /**
   * @param {object} options
   * @param {import('../settings.mjs').StackSettings} options.settings
   * @param {NodeJS.ProcessEnv} options.env
   * @param {import('../setup/progress.mjs').Progress} options.progress
   * @param {(error: Error) => void} options.onFatal
   */
  constructor({ settings, env, progress, onFatal }) {
    this.settings = settings
    this.progress = progress
    this.edges = new EdgeList(settings.dataDir)
    this.context = {
      settings,
      env: settings.externalClickHouse === null ? withCredentials(settings.dataDir, env) : env,
      onFatalLine: (/** @type {string} */ name, /** @type {string} */ text) =>
        progress.notice(`${name}: ${text}`),
    }
    this.events = { notice: (/** @type {string} */ text) => progress.notice(text), fatal: onFatal }
  }

  /** Starts everything in order; each part is ready before the next one starts. Rejects when one does not come up. */
  async up() {
    const { externalKafka, externalClickHouse } = this.settings
    if (externalKafka === null) await this.#start(kafkaPart(this.context))
    if (externalClickHouse === null) await this.#start(clickHousePart(this.context))
    await this.#ctl('topics', ['topics', 'apply'])
    await this.#ctl('tables', ['tables', 'migrate'])
    await this.#start(storagePart(this.context))
    await this.#start(deletionPart(this.context, this.#relayUrl()))
    await this.#start(this.#firstEdge())
    for (const edge of this.edges.edges) await this.#start(await this.#extraEdge(edge))
    await this.#start(queryApiPart(this.context))
    if (this.state === 'starting') this.state = 'ready'
  }

  /** @param {import('./part.mjs').PartDefinition} definition */
  async #start(definition) {
    if (this.state === 'stopping') throw new Error('the stack is stopping')
    const part = new Part(definition, this.events)
    this.parts.push(part)
    const where = definition.address === null ? '' : ` ${definition.address}`
    await this.progress.step(`${definition.name}${where}`, async ({ detail }) => {
      try {
        await part.start(detail)
      } catch (error) {
        throw isRefusal(error) ? part.refusal() : error
      }
    })
  }

  #firstEdge() {
    const { ports } = this.settings
    const url = this.#relayUrl()
    return relayPart(this.context, { id: 'edge-1', port: ports.relay, opsPort: ports.relayOps, url })
  }

  #relayUrl() {
    const { ports, relayHost, relayUrl } = this.settings
    return relayUrl ?? `ws://${reachable(relayHost)}:${ports.relay}`
  }

  /** @param {import('./edges.mjs').ExtraEdge} edge */
  async #extraEdge({ id, port }) {
    const [opsPort = 0] = await freePorts(1)
    const url = `ws://${reachable(this.settings.relayHost)}:${port}`
    return relayPart(this.context, { id, port, opsPort, url })
  }

  /** Runs a command of ctl to its end. @param {string} label @param {string[]} args */
  async #ctl(label, args) {
    if (this.state === 'stopping') throw new Error('the stack is stopping')
    await this.progress.step(label, async ({ detail }) => {
      const command = launch({
        command: NODE,
        args: [join(ROOT, 'apps/ctl/src/main.ts'), ...args],
        cwd: ROOT,
        env: appEnvironment(this.context),
        onLog: detail,
      })
      this.#command = command
      command.closeInput()
      const { code, lastLines } = await command.exited
      this.#command = null
      if (code === 0) return
      const reason = lastLines.slice(-4).map((line) => readLogLine(line).message)
      const error = new OperatorError(`ctl ${args.join(' ')} failed: ${reason.join('\n  ')}`)
      throw Object.assign(error, { exitCode: code === EXIT_FATAL ? EXIT_FATAL : 1 })
    })
  }

  /** Stops everything in reverse order; resolves when no process is left. */
  async down() {
    this.state = 'stopping'
    await this.#command?.kill()
    for (const part of [...this.parts].reverse()) {
      if (part.state === 'stopped' || part.state === 'failed') continue
      await this.progress.step(`stopping ${part.name}`, () => part.stop())
    }
  }

  /** SIGKILL to all that is left. */
  async killAll() {
    this.state = 'stopping'
    await Promise.all([this.#command?.kill(), ...this.parts.map((part) => part.kill())])
  }

  /** @param {string} name @returns {Part} */
  part(name) {
    const part = this.parts.find((candidate) => candidate.name === name)
    if (part === undefined)
      throw new OperatorError(
        `there is no part "${name}"; the parts are ${this.parts.map((p) => p.name).join(', ')}`,
      )
    return part
  }

  /**
   * Starts another relay on the same log and keeps it for later starts; resolves when it is ready.
   * @param {number} [port] the next free one when absent
   * @returns {Promise<{ id: string, port: number, address: string }>}
   */
  async addEdge(port) {
    if (this.state !== 'ready') throw new OperatorError('the stack is not ready: try again when it is')
    const { relayHost, ports } = this.settings
    const taken = new Set([...Object.values(ports), ...this.edges.edges.map((edge) => edge.port)])
    if (port !== undefined)
      await assertPortFree(port, { host: relayHost, usedFor: 'the new edge', variable: '--port' })
    const edge = {
      id: this.edges.nextId(),
      port: port ?? (await nextFreePort(ports.relay, taken, relayHost)),
    }
    this.edges.add(edge)
    const part = new Part(await this.#extraEdge(edge), this.events)
    // Before the query API, which stops first.
    this.parts.splice(this.parts.length - 1, 0, part)
    try {
      await part.start()
    } catch (error) {
      await this.removeEdge(edge.id)
      throw new OperatorError(
        `${edge.id} did not start: ${part.definition.lastError() ?? /** @type {Error} */ (error).message}`,
        error,
      )
    }
    this.progress.notice(`${edge.id} added at ${part.definition.address}`)
    return { ...edge, address: part.definition.address ?? '' }
  }

  /** Stops an added edge and forgets it. @param {string} id */
  async removeEdge(id) {
    if (!this.edges.edges.some((edge) => edge.id === id))
      throw new OperatorError(
        id === 'edge-1' ? 'edge-1 belongs to the stack; only added edges can go' : `there is no edge "${id}"`,
      )
    this.edges.remove(id)
    await this.part(id).stop()
    this.parts = this.parts.filter((part) => part.name !== id)
    // Its serving view holds events that nobody erases from it any more.
    rmSync(join(this.settings.dataDir, 'views', id), { recursive: true, force: true })
  }

  status() {
    const { state, settings } = this
    return {
      state,
      pid: process.pid,
      dataDir: settings.dataDir,
      ports: settings.ports,
      parts: this.parts.map((part) => part.status()),
    }
  }
}
