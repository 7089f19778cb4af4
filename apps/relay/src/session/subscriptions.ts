import { type Clock, err, type Fault, invalid, LIMITS, ok, type Result, transient } from '@millrace/kernel'
import { closedMessage, eoseMessage, type Filter, mayRead, namesOnlyGuardedKinds } from '@millrace/nostr'
import type { Metrics } from '@millrace/observability'
import type { EventReader, ServedEvent } from '@millrace/read-models'
import { weightOf } from '@millrace/subscription-index'
import type { Bounds } from '../config.ts'
import type { PooledFrames } from '../frames/frame-pool.ts'
import type { FrameWriter } from '../frames/frame-writer.ts'
import type { Fanout } from '../live/fanout.ts'
import type { Outbox } from '../server/outbox.ts'
import { nextWithin } from './deadline.ts'
import { messageOf } from './fault-prefix.ts'
import { Slots } from './slots.ts'
import { Subscription } from './subscription.ts'

export interface SubscriptionsParts {
  readonly reader: Pick<EventReader, 'query' | 'answerNow'>
  readonly fanout: Fanout
  /** Where the live reader stands in nostr.events, by partition. */
  readonly positions: () => ReadonlyMap<number, number>
  readonly clock: Clock
  readonly metrics: Metrics
  /** Of all clients. */
  readonly frames: FrameWriter
  /** Reports a programming error that one client met. */
  readonly onInternalError: (cause: unknown) => void
  readonly bounds: Pick<
    Bounds,
    'queriesPerConnectionMax' | 'reqTimeoutMs' | 'liveBufferEventsMax' | 'subscriptionValuesPerConnectionMax'
  >
}

/** The way to one client. */
export type ClientFrames = Pick<Outbox, 'send' | 'sendFrames' | 'hasRoomFor' | 'isPressed' | 'drained'>

/** Stored events are framed together until their frames reach this; with the last of them most fill 64 KiB of the pool. */
const PORTION_BYTES = 56 * 1024

/** The open REQs of one connection. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts
  readonly #outbox: ClientFrames
  readonly #authedPubkeys: ReadonlySet<string>
  readonly #open = new Map<string, Subscription>()
  readonly #queries: Slots
  /** Of all open subscriptions, see `weightOf`. */
  #values = 0

  constructor(parts: SubscriptionsParts, outbox: ClientFrames, authedPubkeys: ReadonlySet<string>) {
    this.#parts = parts
    this.#outbox = outbox
    this.#authedPubkeys = authedPubkeys
    this.#queries = new Slots(parts.bounds.queriesPerConnectionMax)
  }

  get size(): number {
    return this.#open.size
  }

  /** Answers a REQ; an open subscription of that id ends without a further frame, even when the new one is refused. */
  request(id: string, filters: readonly Filter[]): void {
    this.close(id)
    const opened = this.#register(id, filters)
    if (!opened.ok) this.refuse(id, opened.fault)
    else if (!this.#serveNow(opened.value)) void this.#serve(opened.value)
  }

  /** Ends a subscription without a frame (CLOSE); unknown ids are ignored. */
  close(id: string): void {
    const subscription = this.#open.get(id)
    if (subscription !== undefined) this.#end(subscription)
  }

  refuse(id: string, fault: Fault): void {
    this.#outbox.send(closedMessage(id, messageOf(fault)))
  }

  closeAll(): void {
    for (const subscription of this.#open.values()) this.#end(subscription)
  }

  #register(id: string, filters: readonly Filter[]): Result<Subscription> {
    if (this.#authedPubkeys.size === 0 && filters.every(namesOnlyGuardedKinds))
      return err(invalid('auth-required', 'private events are only for those they concern'))
    if (this.#open.size >= LIMITS.subscriptionsPerConnectionMax)
      return err(
        transient(
          'subscriptions-too-many',
          `more than ${LIMITS.subscriptionsPerConnectionMax} subscriptions`,
        ),
      )
    const values = weightOf(filters)
    const valuesMax = this.#parts.bounds.subscriptionValuesPerConnectionMax
    if (this.#values + values > valuesMax)
      return err(transient('subscriptions-too-many', `more than ${valuesMax} values in all subscriptions`))
    const subscription: Subscription = new Subscription({
      id,
      filters,
      positions: this.#parts.positions(),
      liveBufferEventsMax: this.#parts.bounds.liveBufferEventsMax,
      send: (live) => {
        if (mayRead(live.event, this.#authedPubkeys)) this.#outbox.sendFrames(live.frame(id))
      },
      onOverflow: () => this.#fail(subscription, TOO_MANY_NEW),
    })
    const registered = this.#parts.fanout.add(subscription, filters)
    if (!registered.ok) return registered
    this.#open.set(id, subscription)
    this.#values += values
    return ok(subscription)
  }

  /** Sends everything at once where nothing has to be waited for; false when it has. */
  #serveNow(subscription: Subscription): boolean {
    if (this.#queries.isFull || this.#outbox.isPressed) return false
    const startMs = performance.now()
    try {
      if (!this.#layOutNow(subscription)) {
        subscription.sendNone()
        return false
      }
    } catch (cause) {
      // A bug met by one REQ must not take the edge down with everybody on it.
      this.#failInternally(subscription, cause)
      return true
    }
    this.#observe('relay_req_first_frame_seconds', startMs)
    this.#parts.frames.message(eoseMessage(subscription.id))
    this.#send(this.#parts.frames.take())
    this.#observe('relay_req_eose_seconds', startMs)
    subscription.goLive()
    return true
  }

  /** Lays out the frames of the whole answer, if it is at hand and the client has room for it. */
  #layOutNow(subscription: Subscription): boolean {
    const { reader, clock, frames } = this.#parts
    const context = { authedPubkeys: this.#authedPubkeys, nowS: clock.nowS() }
    frames.reset()
    const isWhole = reader.answerNow?.(subscription.filters, context, (event) => {
      subscription.sending(event)
      frames.event(subscription.framePrefix, event)
    })
    return isWhole === true && this.#outbox.hasRoomFor(frames.length)
  }

  #endStored(subscription: Subscription, startMs: number): void {
    this.#observe('relay_req_eose_seconds', startMs)
    this.#outbox.send(eoseMessage(subscription.id))
    subscription.goLive()
  }

  /** Sends the stored events and EOSE, unless the subscription ends first. */
  async #serve(subscription: Subscription): Promise<void> {
    const { signal } = subscription
    const startMs = performance.now()
    if (!(await this.#queries.take(signal))) return
    try {
      const fault = await this.#sendStored(subscription, startMs)
      if (subscription.isEnded) return
      if (fault !== null) return this.#fail(subscription, fault)
      this.#endStored(subscription, startMs)
    } catch (cause) {
      this.#failInternally(subscription, cause)
    } finally {
      this.#queries.release()
    }
  }

  /** Answers why the stored events could not all be read, null when they could or the subscription has ended. */
  async #sendStored(subscription: Subscription, startMs: number): Promise<Fault | null> {
    const { reader, clock, bounds } = this.#parts
    const { filters, signal } = subscription
    const context = { authedPubkeys: this.#authedPubkeys, nowS: clock.nowS(), signal }
    const chunks = reader.query(filters, context)[Symbol.asyncIterator]()
    let isFirst = true
    try {
      while (true) {
        const next = await nextWithin(chunks, bounds.reqTimeoutMs, signal)
        if (!next.ok) return next.fault
        if (isFirst) this.#observe('relay_req_first_frame_seconds', startMs)
        isFirst = false
        if (next.value.done === true || subscription.isEnded) return null
        const chunk = next.value.value
        if (!chunk.ok) return chunk.fault
        if (!(await this.#sendChunk(subscription, chunk.value))) return null
      }
    } finally {
      void chunks.return?.()
    }
  }

  /** At the pace at which the client reads; false when it is gone or has ended the subscription. */
  async #sendChunk(subscription: Subscription, chunk: readonly ServedEvent[]): Promise<boolean> {
    const { frames } = this.#parts
    for (let next = 0; next < chunk.length; ) {
      frames.reset()
      while (next < chunk.length && frames.length < PORTION_BYTES) {
        const event = chunk[next++] as ServedEvent
        subscription.sending(event)
        frames.event(subscription.framePrefix, event)
      }
      this.#send(frames.take())
      if (this.#outbox.isPressed && !(await this.#outbox.drained(subscription.signal))) return false
    }
    return !subscription.isEnded
  }

  #failInternally(subscription: Subscription, cause: unknown): void {
    this.#parts.onInternalError(cause)
    this.#fail(subscription, invalid('internal', 'the relay failed'))
  }

  #send({ bytes, release }: PooledFrames): void {
    this.#outbox.sendFrames(bytes, release)
  }

  #fail(subscription: Subscription, fault: Fault): void {
    if (subscription.isEnded) return
    this.#end(subscription)
    this.refuse(subscription.id, fault)
  }

  #end(subscription: Subscription): void {
    this.#open.delete(subscription.id)
    this.#values -= weightOf(subscription.filters)
    this.#parts.fanout.remove(subscription)
    subscription.end()
  }

  #observe(name: 'relay_req_eose_seconds' | 'relay_req_first_frame_seconds', startMs: number): void {
    this.#parts.metrics.observe(name, {}, (performance.now() - startMs) / 1000)
  }
}

const TOO_MANY_NEW = transient('queue-full', 'too many new events while stored ones were read')
