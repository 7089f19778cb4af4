import type { Worker } from 'node:worker_threads'
import { startThread } from '@millrace/kernel'
import { type BatchVerdicts, packBatch, type SignedId, type WorkerReady } from './signature-batch.ts'
import type { CheckerChoice, Implementation } from './signature-checker.ts'

/** Batches are short-lived and small. */
const YOUNG_HEAP_MIB_MAX = 4

/** A signature that waits for its verdict. */
export interface Job extends SignedId {
  readonly resolve: (valid: boolean) => void
  readonly reject: (error: Error) => void
}

/** One verifier thread; batches are answered in the order they were sent. */
export class SignatureThread {
  readonly implementation: Implementation
  readonly #worker: Worker
  readonly #sent: (readonly Job[])[] = []

  private constructor(worker: Worker, implementation: Implementation) {
    this.#worker = worker
    this.implementation = implementation
  }

  /** Starts a thread; rejects when the wanted implementation is not to be had. */
  static async start(choice: CheckerChoice): Promise<SignatureThread> {
    const script = new URL('./signature-worker.ts', import.meta.url)
    const worker = startThread(script, choice, { youngMibMax: YOUNG_HEAP_MIB_MAX })
    const { implementation } = await new Promise<WorkerReady>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    worker.removeAllListeners('error')
    return new SignatureThread(worker, implementation)
  }

  /** Batches sent and not yet answered. */
  get batchesInFlight(): number {
    return this.#sent.length
  }

  /** `onAnswered` follows every batch; `onEnd` comes once if the thread ends by itself. */
  listen(onAnswered: () => void, onEnd: (error: Error) => void): void {
    this.#worker.on('message', (verdicts: BatchVerdicts) => {
      const jobs = this.#sent.shift() ?? []
      for (const [index, job] of jobs.entries()) job.resolve(verdicts[index] === 1)
      onAnswered()
    })
    this.#worker.once('error', onEnd)
    this.#worker.once('exit', (code) => onEnd(new Error(`verifier thread exited with code ${code}`)))
  }

  send(jobs: readonly Job[]): void {
    const batch = packBatch(jobs)
    this.#sent.push(jobs)
    this.#worker.postMessage(batch, [batch.buffer])
  }

  /** Ends the thread; answers the jobs that got no verdict. */
  async end(): Promise<readonly Job[]> {
    this.#worker.removeAllListeners()
    await this.#worker.terminate()
    return this.#sent.splice(0).flat()
  }
}
