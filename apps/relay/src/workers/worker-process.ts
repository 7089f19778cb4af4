import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import { delayMs } from '@millrace/kernel'
import { HandedSockets } from './handed-sockets.ts'
import type { Answers, FromWorker, ToWorker } from './messages.ts'

const ANSWER_TIMEOUT_MS = 2_000

/** One worker, as its primary sees it. */
export class WorkerProcess {
  /** Counted from 1; a worker that takes the place of another has its number. */
  readonly number: number
  /** Exit code, null when a signal ended it, and that signal. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #worker: Worker
  readonly #asked = new Map<number, (value: Answers[keyof Answers] | null) => void>()
  #asks = 0
  #followed = Promise.withResolvers<void>()

  constructor(worker: Worker, number: number, onMessage: (message: FromWorker) => void) {
    this.#worker = worker
    this.number = number
    const handed = new HandedSockets(worker.process)
    this.exited = once(worker, 'exit').then(([code, signal]) => ({ code, signal }))
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'answer') this.#asked.get(message.id)?.(message.value)
      else if (message.type === 'view-followed') this.#followed.resolve()
      else onMessage(message)
    })
    worker.on('error', () => {})
    void this.exited.then(() => {
      handed.close()
      for (const settle of this.#asked.values()) settle(null)
    })
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  send(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message, () => {})
  }

  /** Resolves once the worker reads the view's new file, or is gone. */
  async follow(): Promise<void> {
    this.#followed = Promise.withResolvers()
    this.send({ type: 'view-moved' })
    await Promise.race([this.#followed.promise, this.exited])
  }

  /** Null when it does not answer in time, or has ended. */
  async ask<What extends keyof Answers>(what: What): Promise<Answers[What] | null> {
    if (!this.#worker.isConnected()) return null
    const id = ++this.#asks
    const answered = Promise.withResolvers<Answers[keyof Answers] | null>()
    this.#asked.set(id, answered.resolve)
    const timer = setTimeout(() => answered.resolve(null), ANSWER_TIMEOUT_MS)
    this.send({ type: 'ask', id, what })
    const value = await answered.promise
    clearTimeout(timer)
    this.#asked.delete(id)
    return value as Answers[What] | null
  }

  /** Asks it to stop, and kills it if it has not within the time. */
  async stop(timeoutMs: number): Promise<void> {
    this.send({ type: 'stop' })
    const patience = new AbortController()
    const isLate = await Promise.race([
      this.exited.then(() => false),
      delayMs(timeoutMs, patience.signal).then(() => !patience.signal.aborted),
    ])
    patience.abort()
    if (isLate) this.#worker.process.kill('SIGKILL')
    await this.exited
  }
}
