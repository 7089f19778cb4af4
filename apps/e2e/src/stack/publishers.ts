import { type OkFrame, RelayClient, type SignedEvent } from '@millrace/testkit'

/** What became of every event that was sent. */
export interface PublishLedger {
  /** Answered OK true: from now on these must never be missing. */
  readonly acknowledged: Map<string, SignedEvent>
  /** Answered OK false with `invalid:`: these must be nowhere. */
  readonly invalid: Map<string, SignedEvent>
  /** Sent, and the connection ended before an answer. */
  readonly unanswered: Map<string, SignedEvent>
  /** Answered OK false for another reason (error:, rate-limited:): may or may not be in the log. */
  readonly refused: Map<string, string>
}

export interface PublisherOptions {
  readonly urls: readonly string[]
  readonly connections: number
  /** EVENTs on their way per connection. */
  readonly outstanding: number
  readonly nextEvent: (connection: number) => SignedEvent
  /** Pause between two events of one slot, milliseconds. */
  readonly pauseMs: number
  readonly signal: AbortSignal
}

const RECONNECT_MS = 50
const ANSWER_DEADLINE_MS = 30_000

/** Publishes on many connections until the signal aborts; reconnects when an edge dies, and keeps the books. */
export class Publishers {
  readonly ledger: PublishLedger = {
    acknowledged: new Map(),
    invalid: new Map(),
    unanswered: new Map(),
    refused: new Map(),
  }
  readonly #options: PublisherOptions
  readonly #inFlight = new Map<string, string>()

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** EVENTs without an answer at this moment, at this edge or at all. */
  inFlight(url?: string): number {
    return url === undefined
      ? this.#inFlight.size
      : [...this.#inFlight.values()].filter((edge) => edge === url).length
  }

  /** Resolves once every connection has ended, after the signal. */
  async run(): Promise<void> {
    const { connections } = this.#options
    await Promise.all(Array.from({ length: connections }, (_, index) => this.#connection(index)))
  }

  async #connection(index: number): Promise<void> {
    const { urls, signal, outstanding } = this.#options
    const url = urls[index % urls.length] ?? ''
    while (!signal.aborted) {
      const client = await RelayClient.connect(url, { deadlineMs: 5_000 }).catch(() => null)
      if (client === null) {
        await pause(RECONNECT_MS)
        continue
      }
      await Promise.all(Array.from({ length: outstanding }, () => this.#slot(client, url, index)))
      client.terminate()
    }
  }

  async #slot(client: RelayClient, url: string, index: number): Promise<void> {
    const { signal, nextEvent, pauseMs } = this.#options
    while (!signal.aborted) {
      const event = nextEvent(index)
      this.#inFlight.set(event.id, url)
      try {
        this.#book(event, await client.publish(event, { deadlineMs: ANSWER_DEADLINE_MS }))
      } catch {
        this.ledger.unanswered.set(event.id, event)
        return
      } finally {
        this.#inFlight.delete(event.id)
      }
      await pause(pauseMs)
    }
  }

  #book(event: SignedEvent, ok: OkFrame): void {
    if (ok.accepted) this.ledger.acknowledged.set(event.id, event)
    else if (ok.message.startsWith('invalid:')) this.ledger.invalid.set(event.id, event)
    else this.ledger.refused.set(event.id, ok.message)
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
