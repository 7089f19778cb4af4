import { err, ok, type Result, transient } from '@millrace/kernel'

export interface GatherOptions {
  /** Batches under way at the same time. */
  readonly runningMax: number
  /** Largest sum of weights in one batch. */
  readonly batchWeightMax: number
  /** Questions waiting beyond this are answered with the fault queue-full. */
  readonly waitingMax: number
}

interface Waiting<Q, A> {
  readonly question: Q
  readonly weight: number
  readonly signal: AbortSignal | undefined
  readonly resolve: (answer: Result<A>) => void
}

/**
 * Puts questions together while earlier ones are being answered: alone a question leaves at once, under load many share
 * one statement, since ClickHouse's cost is mostly per statement.
 */
export class Gather<Q, A> {
  readonly #ask: (questions: readonly Q[], signal: AbortSignal) => Promise<Result<readonly A[]>>
  readonly #options: GatherOptions
  readonly #waiting: Waiting<Q, A>[] = []
  #running = 0

  constructor(
    /** Answers each question of a batch, in its order. */
    ask: (questions: readonly Q[], signal: AbortSignal) => Promise<Result<readonly A[]>>,
    options: GatherOptions,
  ) {
    this.#ask = ask
    this.#options = options
  }

  /** Faults: those of the batch; queue-full; timeout when the signal aborts before the answer. */
  ask(question: Q, weight: number, signal?: AbortSignal): Promise<Result<A>> {
    if (signal?.aborted) return Promise.resolve(aborted())
    if (this.#waiting.length >= this.#options.waitingMax)
      return Promise.resolve(
        err(transient('queue-full', `${this.#options.waitingMax} reads are waiting already`)),
      )
    return new Promise((resolve) => {
      const leave = () => {
        const at = this.#waiting.indexOf(waiting)
        if (at !== -1) this.#waiting.splice(at, 1)
        resolve(aborted())
      }
      const waiting: Waiting<Q, A> = {
        question,
        weight,
        signal,
        resolve: (answer) => {
          signal?.removeEventListener('abort', leave)
          resolve(answer)
        },
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiting)
      this.#start()
    })
  }

  #start(): void {
    while (this.#running < this.#options.runningMax && this.#waiting.length > 0) {
      this.#running++
      void this.#run(this.#take()).finally(() => {
        this.#running--
        this.#start()
      })
    }
  }

  #take(): Waiting<Q, A>[] {
    let weight = 0
    let count = 0
    for (const waiting of this.#waiting) {
      weight += waiting.weight
      if (count > 0 && weight > this.#options.batchWeightMax) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #run(batch: readonly Waiting<Q, A>[]): Promise<void> {
    const { signal, dispose } = allAborted(batch)
    let answers: Result<readonly A[]>
    try {
      answers = await this.#ask(
        batch.map(({ question }) => question),
        signal,
      )
    } finally {
      dispose()
    }
    if (answers.ok) {
      batch.forEach(({ resolve }, index) => {
        resolve(ok(answers.value[index] as A))
      })
    } else if (batch.length === 1 || answers.fault.kind !== 'invalid')
      for (const { resolve } of batch) resolve(answers)
    // One refused question must not take its companions down.
    else for (const waiting of batch) await this.#run([waiting])
  }
}

const aborted = (): Result<never> => err(transient('timeout', 'the read was given up before its answer'))

/** A signal that aborts once nobody waits for the batch any more. */
function allAborted(batch: readonly { readonly signal: AbortSignal | undefined }[]) {
  const controller = new AbortController()
  let left = batch.length
  const onAbort = () => {
    left--
    if (left === 0) controller.abort()
  }
  for (const { signal } of batch) {
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  }
  const dispose = () => {
    for (const { signal } of batch) signal?.removeEventListener('abort', onAbort)
  }
  return { signal: controller.signal, dispose }
}
