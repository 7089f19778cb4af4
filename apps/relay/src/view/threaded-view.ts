import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { type Settlement, ViewReader, viewMapBytes } from '@millrace/event-store'
import { err, FaultError, ok, type Result, startThread, transient } from '@millrace/kernel'
import { viewFolderOf } from '../config.ts'
import type { EdgeView, EdgeViewOptions, OpenEdgeView, ViewApplied } from './edge-view.ts'
import type { FromViewThread, ToViewThread, ViewThreadData } from './view-messages.ts'

/** A few batches of the largest events fit; without a bound the heap of a thread grows to the machine's liking. */
const HEAP = { oldMibMax: 192, youngMibMax: 16 }

/** Keeps the view up in a thread of its own, which reads the log itself; the edge's thread reads what it has committed. */
export const threadedView: OpenEdgeView = async (options) => {
  const { config, logId, partitionCount } = options
  const folder = viewFolderOf(config)
  const workerData: ViewThreadData = {
    folder,
    edgeId: config.edge.id,
    logId,
    partitionCount,
    bounds: config.view,
    kafka: config.kafka,
    erasureDeadlineS: config.erasure.deadlineS,
  }
  const worker = startThread(new URL('./view-thread.ts', import.meta.url), workerData, HEAP)
  const thread = new ThreadedView(worker, options)
  await thread.opened
  return thread.attach(ViewReader.attach(folder, viewMapBytes(config.view), options.tombstones))
}

class ThreadedView implements EdgeView {
  readonly #worker: Worker
  readonly #options: EdgeViewOptions
  readonly opened: Promise<void>
  readonly ended: Promise<Result<void>>
  readonly #exited: Promise<unknown>
  #reader: ViewReader | null = null
  #isServing = false
  #onApplied: (view: ViewReader, applied: ViewApplied) => void = () => {}
  #started: () => void = () => {}
  #opened: () => void = () => {}
  #failedToOpen: (cause: unknown) => void = () => {}
  #end: (result: Result<void>) => void = () => {}

  constructor(worker: Worker, options: EdgeViewOptions) {
    this.#worker = worker
    this.#options = options
    this.opened = new Promise((resolve, reject) => {
      this.#opened = resolve
      this.#failedToOpen = reject
    })
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    worker.on('message', (message: FromViewThread) => this.#take(message))
    worker.on('error', (cause) =>
      this.#fail(
        err(transient('internal', `the thread of the serving view failed: ${String(cause)}`, cause)),
      ),
    )
    this.#exited = once(worker, 'exit')
    void this.#exited.then(() => this.#end(ok(undefined)))
  }

  attach(reader: ViewReader): this {
    this.#reader = reader
    return this
  }

  readonly serving = (): ViewReader | null => (this.#isServing ? this.#reader : null)

  async start(
    ends: ReadonlyMap<number, number>,
    onApplied: (view: ViewReader, applied: ViewApplied) => void,
  ): Promise<void> {
    this.#onApplied = onApplied
    const started = new Promise<void>((resolve) => {
      this.#started = resolve
    })
    this.#post({ type: 'start', ends })
    // A view that cannot start ends, and whoever started the edge hears of it there.
    await Promise.race([started, this.ended])
  }

  stored(nextOffsets: ReadonlyMap<number, number>): void {
    this.#post({ type: 'stored', nextOffsets })
  }

  settle(settlements: readonly Settlement[]): void {
    this.#post({ type: 'settle', settlements })
  }

  async stop(): Promise<void> {
    await this.#reader?.close()
    this.#reader = null
    this.#post({ type: 'stop' })
    await this.#exited
  }

  #take(message: FromViewThread): void {
    const { log } = this.#options
    if (message.type === 'opened') this.#opened()
    else if (message.type === 'started') this.#started()
    else if (message.type === 'log') log[message.level](message.fields, message.message)
    else if (message.type === 'applied') this.#applied(message)
    else if (message.type === 'moved') void this.#follow()
    else this.#fail(message.fault === null ? ok(undefined) : err(message.fault))
  }

  #applied(applied: ViewApplied): void {
    this.#isServing ||= applied.isServing
    if (this.#reader === null) return
    this.#reader.refresh()
    this.#onApplied(this.#reader, applied)
  }

  async #follow(): Promise<void> {
    try {
      await Promise.all([this.#reader?.follow(), this.#options.follow?.()])
      this.#post({ type: 'followed' })
    } catch (cause) {
      this.#fail(
        err(
          transient('internal', `the new file of the serving view cannot be read: ${String(cause)}`, cause),
        ),
      )
    }
  }

  #fail(result: Result<void>): void {
    if (!result.ok) this.#failedToOpen(new FaultError(result.fault))
    this.#end(result)
  }

  #post(message: ToViewThread): void {
    this.#worker.postMessage(message)
  }
}
