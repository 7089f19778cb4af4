import { assert } from '@millrace/kernel'
import type { ViewApplied } from '../view/edge-view.ts'
import type { Answers, FromWorker, ToWorker } from './messages.ts'

/** What a worker can tell its primary about itself. */
export type Answering = { readonly [What in keyof Answers]: () => Promise<Answers[What]> }

export interface PrimaryChannelParts extends Answering {
  /** The primary wants this worker to stop. */
  readonly stop: () => void
}

/** A worker's end of the channel to its primary. */
export class PrimaryChannel {
  readonly #parts: PrimaryChannelParts
  readonly #viewStarted = Promise.withResolvers<void>()
  #onViewApplied: (applied: ViewApplied) => void = () => {}

  #follow: () => Promise<void> = async () => {}

  constructor(parts: PrimaryChannelParts) {
    assert(process.send !== undefined, 'a worker has a primary')
    this.#parts = parts
    process.on('message', (message: ToWorker) => this.#take(message))
  }

  send(message: FromWorker): void {
    // Once the primary is gone, so is this process in a moment.
    if (process.connected) process.send?.(message)
  }

  onViewApplied(listener: (applied: ViewApplied) => void): void {
    this.#onViewApplied = listener
  }

  /** @param follow goes on in the new file of the view; if it rejects, this process ends and the file before is free as well */
  onViewMoved(follow: () => Promise<void>): void {
    this.#follow = follow
  }

  /** Resolves once the primary reads the log into the view. */
  startView(ends: ReadonlyMap<number, number>): Promise<void> {
    this.send({ type: 'view-start', ends })
    return this.#viewStarted.promise
  }

  #take(message: ToWorker): void {
    if (message.type === 'view-applied') this.#onViewApplied(message)
    else if (message.type === 'view-started') this.#viewStarted.resolve()
    else if (message.type === 'view-moved') void this.#followView()
    else if (message.type === 'stop') this.#parts.stop()
    else if (message.type === 'ask') void this.#answer(message.id, message.what)
  }

  async #followView(): Promise<void> {
    await this.#follow()
    this.send({ type: 'view-followed' })
  }

  async #answer(id: number, what: keyof Answers): Promise<void> {
    this.send({ type: 'answer', id, value: await this.#parts[what]() })
  }
}
