import cluster from 'node:cluster'
import { createKafkaLog } from '@millrace/kafka'
import { backoffMs, delayMs, EXIT_FATAL, fatal, type Result, transient, unwrap } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import { type ProcessContext, type ReadinessState, stateOf } from '@millrace/observability'
import { logFacts, onceKafkaAnswers } from '../bootstrap/log-facts.ts'
import { type RelayConfig, secretKeyFileOf } from '../config.ts'
import { relayKey } from '../relay-key.ts'
import type { EdgeView, ViewApplied } from '../view/edge-view.ts'
import { threadedView } from '../view/threaded-view.ts'
import { countCompaction } from '../view/view-metrics.ts'
import { ackedFileOf } from './acked-file.ts'
import { createAckedPositions } from './acked-positions.ts'
import { type FromWorker, WORKER_VARIABLE } from './messages.ts'
import { WorkerProcess } from './worker-process.ts'

type PrimaryContext = ProcessContext<RelayConfig>

/** Below what the whole process allows itself, so that the view is still closed in order afterwards. */
const WORKER_STOP_TIMEOUT_MS = 12_000
/** A worker that ran this long did not fail at its start. */
const SETTLED_MS = 60_000

/**
 * An edge of several processes (RELAY_WORKERS): the primary keeps the view up, starts the workers, which share the port and read
 * the view, and answers for them on the ops port. A worker that ends is started again; one that ends for good ends the edge.
 */
export async function runPrimary(context: PrimaryContext): Promise<void> {
  const { config, log, metrics, signal, onStop } = context
  unwrap(await relayKey(secretKeyFileOf(config)))
  const kafka = createKafkaLog(config.kafka, { log, metrics })
  onStop('kafka', () => kafka.close())
  const facts = unwrap(await onceKafkaAnswers(() => logFacts(kafka), log, signal))
  let primary: Primary | null = null
  const follow = async () => primary?.follow()
  const view = config.view.isOn
    ? await threadedView({ ...facts, config, tombstones: new TombstoneSet(), log, metrics, follow })
    : null
  if (view !== null) onStop('serving view', () => view.stop())
  void view?.ended.then((ended) => failOn(context, ended))
  const { workers } = config.edge
  createAckedPositions({ file: ackedFileOf(config), workers, partitionCount: facts.partitionCount })
  const started = new Primary(context, view)
  primary = started
  onStop('workers', () => started.stop())
  for (let number = 1; number <= workers; number++) void started.keep(number)
}

function failOn({ fail, signal }: PrimaryContext, ended: Result<void>): void {
  if (signal.aborted) return
  fail(ended.ok ? transient('internal', 'the serving view ended') : ended.fault)
}

class Primary {
  readonly #context: PrimaryContext
  readonly #view: EdgeView | null
  readonly #workers = new Map<number, WorkerProcess>()
  #viewStarted: Promise<void> | null = null
  #isServing = false
  #fileBytes = 0
  #erasedSinceMs: number | null = null

  constructor(context: PrimaryContext, view: EdgeView | null) {
    this.#context = context
    this.#view = view
    cluster.setupPrimary({ serialization: 'advanced' })
  }

  /** Runs the worker of this number, one process after the other, until the edge stops. */
  async keep(number: number): Promise<void> {
    const { log, metrics, signal, fail, onReady } = this.#context
    onReady(`worker ${number}`, () => this.#stateOf(number))
    metrics.addSource(async () => (await this.#workers.get(number)?.ask('metrics')) ?? [])
    let waits = backoffMs({ initialMs: 100, maxMs: 10_000 })
    while (!signal.aborted) {
      const startMs = performance.now()
      const worker = this.#fork(number)
      const { code, signal: by } = await worker.exited
      this.#workers.delete(number)
      if (signal.aborted) return
      if (code === EXIT_FATAL)
        return fail(fatal('internal', `worker ${number} ended for good: see its last line`))
      log.error({ number, pid: worker.pid, code, signal: by }, 'a worker ended and is started again')
      metrics.count('relay_worker_restarts_total', {})
      if (performance.now() - startMs > SETTLED_MS) waits = backoffMs({ initialMs: 100, maxMs: 10_000 })
      await delayMs(waits.next().value, signal)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(WORKER_STOP_TIMEOUT_MS)))
  }

  /** All workers read the view's new file. One that is forked from now on does by itself. */
  async follow(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.follow()))
  }

  #fork(number: number): WorkerProcess {
    const env = { ...process.env, [WORKER_VARIABLE]: String(number), MILLRACE_PARENT_PIPE: 'false' }
    const worker = new WorkerProcess(cluster.fork(env), number, (message) => this.#take(worker, message))
    this.#workers.set(number, worker)
    return worker
  }

  async #stateOf(number: number): Promise<ReadinessState> {
    const readiness = await this.#workers.get(number)?.ask('readiness')
    return readiness === undefined || readiness === null ? 'does not answer' : stateOf(readiness)
  }

  #take(worker: WorkerProcess, message: FromWorker): void {
    if (message.type === 'view-stored') this.#view?.stored(message.nextOffsets)
    else if (message.type === 'view-settle') this.#view?.settle(message.settlements)
    else if (message.type === 'view-start') void this.#startView(worker, message.ends)
  }

  /** The first worker that asks has the view read the log; the others, and those started again, join. */
  async #startView(worker: WorkerProcess, ends: ReadonlyMap<number, number>): Promise<void> {
    this.#viewStarted ??=
      this.#view?.start(ends, (_, applied) => this.#onApplied(applied)) ?? Promise.resolve()
    await this.#viewStarted
    worker.send({ type: 'view-started' })
    worker.send({ type: 'view-applied', ...this.#asOfNow() })
  }

  #onApplied({ events, seconds, fileBytes, erasedSinceMs, isServing, compacted }: ViewApplied): void {
    const { metrics } = this.#context
    metrics.count('relay_view_events_applied_total', {}, events)
    if (events > 0) metrics.observe('relay_view_apply_seconds', {}, seconds)
    if (compacted !== undefined) countCompaction(metrics, compacted)
    this.#erasedSinceMs = erasedSinceMs
    this.#isServing = isServing
    this.#fileBytes = fileBytes
    for (const worker of this.#workers.values()) worker.send({ type: 'view-applied', ...this.#asOfNow() })
  }

  #asOfNow(): ViewApplied {
    const isServing = this.#isServing
    return {
      events: 0,
      seconds: 0,
      fileBytes: this.#fileBytes,
      erasedSinceMs: this.#erasedSinceMs,
      isServing,
    }
  }
}
