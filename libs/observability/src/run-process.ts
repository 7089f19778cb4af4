import {
  type AnySection,
  type ConfigOf,
  describeConfig,
  type ProcessConfig,
  parseConfig,
  printConfig,
} from '@millrace/config'
import { EXIT_FATAL, type Fault, FaultError } from '@millrace/kernel'
import { createLog, type Logger } from './log.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import {
  type OpsRoute,
  type Readiness,
  type ReadinessCheck,
  readinessOf,
  startOpsServer,
} from './ops-server.ts'
import { startTraces } from './traces.ts'

/** What a process's wiring gets. */
export interface ProcessContext<C> {
  readonly config: C
  readonly log: Logger
  readonly metrics: Metrics
  /** Aborts when the process begins to stop. */
  readonly signal: AbortSignal
  /** Registers a part's shutdown; parts stop in reverse order of registration. */
  onStop(name: string, stop: () => void | Promise<void>): void
  /** Registers a readiness check, see `ReadinessState`. */
  onReady(name: string, check: ReadinessCheck): void
  /** Serves GET <path>/… on the ops server. */
  onGet(path: string, route: OpsRoute): void
  /** What /ready says: for a process whose parent answers for it. */
  readiness(): Promise<Readiness>
  /** Stops the process as a signal does. */
  stop(): void
  /** Ends the process because of a fault: exit code 78 when an operator has to act, else 1. */
  fail(fault: Fault): void
}

type Sections = Record<string, AnySection> & { process: AnySection }

export interface ProcessDefinition<D extends Sections> {
  readonly app: string
  readonly sections: D
  /** Builds the process's parts and starts them; may throw FaultError. */
  readonly wire: (context: ProcessContext<ConfigOf<D>>) => Promise<void>
  /** false: the process serves /live, /ready and /metrics itself (the query API), or its parent does. */
  readonly opsServer?: boolean
  /** Of every line of the log and every metric: what tells processes of one app apart. */
  readonly labels?: Readonly<Record<string, string>>
}

const STOP_TIMEOUT_MS = 20_000

/**
 * The life of every server process: config → `--print-config` / `--describe-config` / `--validate` → logs, metrics, traces, ops server → wire →
 * run until a signal, the parent's end or a fault → stop the parts in reverse order → exit.
 */
export async function runProcess<D extends Sections>(definition: ProcessDefinition<D>): Promise<void> {
  const { app, sections } = definition
  if (process.argv.includes('--print-config'))
    return void process.stdout.write(printConfig(sections, process.env))
  if (process.argv.includes('--describe-config')) return void process.stdout.write(describeConfig(sections))
  const parsed = parseConfig(sections, process.env)
  if (!parsed.ok) {
    process.stderr.write(`${app}: ${parsed.fault.message}\n`)
    process.exit(EXIT_FATAL)
  }
  if (process.argv.includes('--validate'))
    return void process.stdout.write(`${app}: the configuration is valid\n`)
  await new RunningProcess(definition, parsed.value).run()
}

class RunningProcess<D extends Sections> {
  readonly #definition: ProcessDefinition<D>
  readonly #config: ConfigOf<D>
  readonly #process: ProcessConfig
  readonly #log: Logger
  readonly #metrics: Metrics
  readonly #abort = new AbortController()
  readonly #stops: { name: string; stop: () => void | Promise<void> }[] = []
  readonly #checks = new Map<string, ReadinessCheck>()
  readonly #routes = new Map<string, OpsRoute>()
  #stopping: Promise<void> | null = null

  constructor(definition: ProcessDefinition<D>, config: ConfigOf<D>) {
    this.#definition = definition
    this.#config = config
    this.#process = (config as { process: ProcessConfig }).process
    const { app, labels } = definition
    this.#log = createLog(app, this.#process, labels)
    this.#metrics = createMetrics(app, labels)
  }

  async run(): Promise<void> {
    this.#listenForTheEnd()
    try {
      const traces = await startTraces(this.#definition.app, this.#process)
      this.#stops.push({ name: 'traces', stop: () => traces.shutdown() })
      this.#checks.set('started', () => 'starting')
      if (this.#definition.opsServer !== false) await this.#serveOps()
      await this.#definition.wire(this.#context())
      this.#checks.delete('started')
      this.#log.info('started')
    } catch (cause) {
      this.#fail(faultOf(cause))
    }
  }

  #context(): ProcessContext<ConfigOf<D>> {
    return {
      config: this.#config,
      log: this.#log,
      metrics: this.#metrics,
      signal: this.#abort.signal,
      onStop: (name, stop) => void this.#stops.push({ name, stop }),
      onReady: (name, check) => void this.#checks.set(name, check),
      onGet: (path, route) => void this.#routes.set(path, route),
      readiness: () => readinessOf(this.#checks),
      stop: () => void this.#stop(0),
      fail: (fault) => this.#fail(fault),
    }
  }

  async #serveOps(): Promise<void> {
    const { opsHost, opsPort } = this.#process
    const ops = await startOpsServer(opsHost, opsPort, this.#checks, this.#metrics, this.#routes)
    this.#stops.push({ name: 'ops server', stop: () => ops.close() })
    this.#log.info({ ops_port: ops.port }, 'ops server listening')
  }

  #listenForTheEnd(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void this.#stop(0))
    if (this.#process.parentPipe) process.stdin.on('end', () => void this.#stop(0)).resume()
    process.on('unhandledRejection', (cause) => this.#fail(faultOf(cause)))
    process.on('uncaughtException', (cause) => this.#fail(faultOf(cause)))
  }

  #fail(fault: Fault): void {
    this.#log.fatal({ code: fault.code, kind: fault.kind, cause: describe(fault.cause) }, fault.message)
    void this.#stop(fault.kind === 'fatal' ? EXIT_FATAL : 1)
  }

  #stop(exitCode: number): Promise<void> {
    this.#stopping ??= this.#stopParts(exitCode)
    return this.#stopping
  }

  async #stopParts(exitCode: number): Promise<void> {
    this.#abort.abort()
    // A part that hangs must not keep the process: what it did not finish is in the log and is read again.
    const timer = setTimeout(() => {
      this.#log.error('a part did not stop in time')
      process.exit(exitCode === 0 ? 1 : exitCode)
    }, STOP_TIMEOUT_MS)
    for (const { name, stop } of this.#stops.reverse()) {
      try {
        await stop()
      } catch (cause) {
        this.#log.warn({ part: name, cause: describe(cause) }, 'a part failed to stop cleanly')
      }
    }
    clearTimeout(timer)
    this.#log.info('stopped')
    this.#log.flush?.(() => process.exit(exitCode))
    setTimeout(() => process.exit(exitCode), 200).unref()
  }
}

const faultOf = (cause: unknown): Fault =>
  cause instanceof FaultError
    ? cause.fault
    : {
        code: 'internal',
        kind: 'transient',
        message: cause instanceof Error ? cause.message : String(cause),
        cause,
      }

const describe = (cause: unknown): string | undefined =>
  cause === undefined ? undefined : cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
