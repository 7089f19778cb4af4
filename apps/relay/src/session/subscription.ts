import type { Filter } from '@millrace/nostr'
import type { ServedEvent } from '@millrace/read-models'
import type { Subscriber } from '../live/fanout.ts'
import type { LiveEvent } from '../live/live-event.ts'

export interface SubscriptionOptions {
  readonly id: string
  readonly filters: readonly Filter[]
  /** Where the live reader stood when the subscription was registered, by partition. */
  readonly positions: ReadonlyMap<number, number>
  readonly liveBufferEventsMax: number
  /** Sends an event that came after EOSE, if its client may read it. */
  readonly send: (live: LiveEvent) => void
  /** Called once when more new events came than may wait for EOSE. */
  readonly onOverflow: () => void
}

/**
 * One open REQ: stored events first, then EOSE, then live ones. It is registered before the stored events are read, so
 * none is lost; what the live reader is still to meet of the stored ones is remembered, so none comes twice.
 */
export class Subscription implements Subscriber {
  readonly id: string
  readonly filters: readonly Filter[]
  readonly #options: SubscriptionOptions
  /** Only once somebody asks for its signal: most REQs are answered at once, and ending those costs more than they do. */
  #abort: AbortController | null = null
  #isEnded = false
  /** `["EVENT",<subscription id>,` in UTF-8. */
  readonly framePrefix: Buffer
  /** Live events that came while the stored ones are being read; null once EOSE is sent. */
  #waiting: LiveEvent[] | null = []
  /** Ids sent as stored events that the live reader has still to meet. */
  readonly #ahead = new Set<string>()

  constructor(options: SubscriptionOptions) {
    this.id = options.id
    this.filters = options.filters
    this.#options = options
    this.framePrefix = Buffer.from(`["EVENT",${JSON.stringify(options.id)},`)
  }

  /** Aborts when the subscription ends: by CLOSE, by a REQ of the same id, with its connection. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#isEnded) this.#abort.abort(ENDED)
    return this.#abort.signal
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  end(): void {
    this.#waiting = null
    this.#ahead.clear()
    this.#isEnded = true
    this.#abort?.abort(ENDED)
  }

  /** Notes whether a stored event, about to be sent, is one that the live reader has still to meet. */
  sending(stored: ServedEvent): void {
    if (stored.offset >= (this.#options.positions.get(stored.partition) ?? 0)) this.#ahead.add(stored.id)
  }

  /** Takes that back: nothing of it was sent. */
  sendNone(): void {
    this.#ahead.clear()
  }

  deliver(live: LiveEvent): void {
    if (this.isEnded) return
    if (this.#waiting === null) this.#sendOnce(live)
    else if (this.#waiting.length < this.#options.liveBufferEventsMax) this.#waiting.push(live)
    else this.#options.onOverflow()
  }

  /** To be called right after EOSE was sent: sends what came meanwhile. */
  goLive(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const live of waiting) this.#sendOnce(live)
  }

  #sendOnce(live: LiveEvent): void {
    if (this.#ahead.size > 0 && this.#ahead.delete(live.event.id)) return
    this.#options.send(live)
  }
}

/** A reason of its own: without one each abort makes an exception with a stack. */
const ENDED = new Error('the subscription has ended')
