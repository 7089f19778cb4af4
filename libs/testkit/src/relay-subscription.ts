import type { RelayClient, WireFilter } from './relay-client.ts'
import type { SignedEvent } from './signer.ts'
import { within } from './until.ts'

/** An open subscription: its stored events up to EOSE, then live ones, taken in order. */
export class RelaySubscription {
  readonly id: string
  readonly #client: RelayClient
  readonly #stopListening: () => void
  readonly #waiting: SignedEvent[] = []
  readonly #wakers = new Set<() => void>()
  #eose = 0
  #closed: string | null = null

  constructor(client: RelayClient, id: string, filters: readonly WireFilter[]) {
    this.#client = client
    this.id = id
    this.#stopListening = client.onFrame(([verb, of, value]) => {
      if (of !== id) return
      if (verb === 'EVENT') this.#waiting.push(value as SignedEvent)
      else if (verb === 'EOSE') this.#eose++
      else if (verb === 'CLOSED') this.#closed = String(value)
      for (const wake of this.#wakers) wake()
    })
    client.sendMessage('REQ', id, ...filters)
  }

  /** How many EOSE frames came: one, once the stored events are complete. */
  get eoseCount(): number {
    return this.#eose
  }

  /** The message of CLOSED, null while the relay keeps the subscription. */
  get closedMessage(): string | null {
    return this.#closed
  }

  /** Waits for EOSE or CLOSED; answers the message of CLOSED, or null. */
  async stored(deadlineMs = 10_000): Promise<string | null> {
    await this.#when(
      () => this.#eose > 0 || this.#closed !== null,
      deadlineMs,
      `EOSE or CLOSED for ${this.id}`,
    )
    return this.#closed
  }

  /** Every event received and not yet taken, in order. */
  takeAll(): SignedEvent[] {
    return this.#waiting.splice(0)
  }

  /** The next event, waiting for it. */
  async next(deadlineMs = 10_000): Promise<SignedEvent> {
    const [event] = await this.take(1, deadlineMs)
    if (event === undefined) throw new Error(`no event for ${this.id}`)
    return event
  }

  /** The next `count` events, waiting for them. */
  async take(count: number, deadlineMs = 10_000): Promise<SignedEvent[]> {
    await this.#when(() => this.#waiting.length >= count, deadlineMs, `${count} events for ${this.id}`)
    return this.#waiting.splice(0, count)
  }

  /** Events as they come; ends when nothing came for `deadlineMs`, by throwing. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SignedEvent, never> {
    while (true) yield await this.next()
  }

  /** Sends CLOSE; frames of this id are no longer collected. */
  close(): void {
    this.#stopListening()
    this.#client.sendMessage('CLOSE', this.id)
  }

  async #when(holds: () => boolean, deadlineMs: number, what: string): Promise<void> {
    if (holds()) return
    let wake = () => {}
    const woken = new Promise<void>((resolve) => {
      wake = () => {
        if (holds()) resolve()
      }
    })
    this.#wakers.add(wake)
    await within(deadlineMs, what, woken).finally(() => this.#wakers.delete(wake))
  }
}
