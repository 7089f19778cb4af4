import { err, type Fault, invalid, type Result } from '@millrace/kernel'
import {
  authMessage,
  type ClientMessage,
  claimedEventId,
  closedMessage,
  type MessageFault,
  type NostrEvent,
  noticeMessage,
  okMessage,
  parseClientMessage,
  parseEvent,
  parseFilters,
} from '@millrace/nostr'
import { contextOf, endSpan, startSpan, traceHeaders } from '@millrace/observability'
import type { Admission, Admitted } from '../admission/admission.ts'
import type { Bounds } from '../config.ts'
import type { AddressLimits, RateFault, Refusable } from '../limits/address-limits.ts'
import { Authentication, type AuthenticationParts } from './authentication.ts'
import { messageOf } from './fault-prefix.ts'
import { Slots } from './slots.ts'
import { type ClientFrames, Subscriptions, type SubscriptionsParts } from './subscriptions.ts'

export interface SessionParts
  extends Omit<SubscriptionsParts, 'bounds'>,
    Omit<AuthenticationParts, 'authedPubkeysMax'> {
  readonly admission: Pick<Admission, 'admit'>
  readonly bounds: Bounds
}

/** What one client and the relay say to each other (NIP-01, NIP-42); knows nothing of sockets. */
export class Session {
  readonly #parts: SessionParts
  readonly #outbox: ClientFrames
  readonly #limits: Pick<AddressLimits, 'take'>
  readonly #authentication: Authentication
  readonly #subscriptions: Subscriptions
  readonly #eventSlots: Slots
  readonly #ended = new AbortController()

  /** @param limits of the client's address */
  constructor(parts: SessionParts, outbox: ClientFrames, limits: Pick<AddressLimits, 'take'>) {
    this.#parts = parts
    this.#outbox = outbox
    this.#limits = limits
    this.#authentication = new Authentication({ ...parts, ...parts.bounds })
    this.#subscriptions = new Subscriptions(parts, outbox, this.#authentication.pubkeys)
    this.#eventSlots = new Slots(parts.bounds.eventsInFlightMax)
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size
  }

  /** EVENTs that await their OK. */
  get eventsInFlight(): number {
    return this.#eventSlots.taken
  }

  /** The challenge goes out first, so that every client has one before it may need it. */
  start(): void {
    this.#outbox.send(authMessage(this.#authentication.challenge))
  }

  end(): void {
    this.#ended.abort()
    this.#subscriptions.closeAll()
  }

  /** Handles one text frame. A promise means: hold back the next frame until it settles. */
  receive(text: string): Promise<void> | undefined {
    const parsed = parseClientMessage(text)
    this.#parts.metrics.count('relay_messages_received_total', { verb: verbOf(parsed) })
    if (!parsed.ok) return this.#refuse(parsed.fault)
    const message = parsed.value
    const counted = COUNTED_AS[message.verb]
    const tooFast = counted === null ? null : this.#limits.take(counted)
    if (tooFast !== null) return this.#refuseTooFast(message, tooFast)
    switch (message.verb) {
      case 'EVENT':
        return this.#event(message.event)
      case 'AUTH':
        return this.#auth(message.event)
      case 'REQ':
        return this.#request(message.subscriptionId, message.filters)
      case 'COUNT':
        this.#outbox.send(closedMessage(message.subscriptionId, 'error: COUNT is not supported'))
        return
      case 'CLOSE':
        this.#subscriptions.close(message.subscriptionId)
        return
    }
  }

  #refuse(fault: MessageFault): undefined {
    if (fault.subscriptionId === null) this.#notice(fault)
    else {
      if (fault.verb === 'REQ') this.#subscriptions.close(fault.subscriptionId)
      this.#subscriptions.refuse(fault.subscriptionId, fault)
    }
  }

  #refuseTooFast(message: ClientMessage, fault: RateFault): undefined {
    if ('event' in message) return this.#refuseEvent(message.event, fault)
    if (message.verb === 'REQ') this.#subscriptions.close(message.subscriptionId)
    this.#subscriptions.refuse(message.subscriptionId, fault)
  }

  #notice(fault: Fault): void {
    this.#outbox.send(noticeMessage(messageOf(fault)))
  }

  #request(id: string, values: readonly unknown[]): undefined {
    const filters = parseFilters(values)
    if (filters.ok) return void this.#subscriptions.request(id, filters.value)
    this.#subscriptions.close(id)
    this.#subscriptions.refuse(id, filters.fault)
  }

  #event(value: unknown): Promise<void> | undefined {
    const event = parseEvent(value)
    if (!event.ok) return this.#refuseEvent(value, event.fault)
    if (this.#eventSlots.tryTake()) return void this.#publish(event.value)
    return this.#publishInTurn(event.value)
  }

  #refuseEvent(value: unknown, fault: Fault): undefined {
    const id = claimedEventId(value)
    if (id === null) return this.#notice(fault) as undefined
    this.#parts.metrics.count('relay_events_refused_total', { code: fault.code })
    this.#outbox.send(okMessage(id, false, messageOf(fault)))
  }

  /** Waits for a slot, and with it the frames behind this one. */
  async #publishInTurn(event: NostrEvent): Promise<void> {
    if (await this.#eventSlots.take(this.#ended.signal)) void this.#publish(event)
  }

  async #publish(event: NostrEvent): Promise<void> {
    const { admission, metrics } = this.#parts
    const startMs = performance.now()
    const span = startSpan('relay.event', { event_id: event.id, kind: event.kind })
    try {
      const headers = traceHeaders(contextOf(span))
      const admitted = await admission.admit(event, this.#authentication.pubkeys, headers)
      this.#answer(event.id, admitted)
      endSpan(span, admitted.ok ? undefined : admitted.fault.code)
    } catch (cause) {
      // A bug met by one event must not take the edge down with everybody on it.
      endSpan(span, 'internal')
      this.#parts.onInternalError(cause)
      this.#answer(event.id, err(invalid('internal', 'the relay failed')))
    } finally {
      this.#eventSlots.release()
      metrics.observe('relay_event_ack_seconds', {}, (performance.now() - startMs) / 1000)
    }
  }

  #answer(id: string, admitted: Result<Admitted>): void {
    const { metrics } = this.#parts
    if (!admitted.ok) {
      metrics.count('relay_events_refused_total', { code: admitted.fault.code })
      this.#outbox.send(okMessage(id, false, messageOf(admitted.fault)))
    } else if (admitted.value === 'duplicate') {
      metrics.count('relay_events_duplicate_total', {})
      this.#outbox.send(okMessage(id, true, 'duplicate: already have this event'))
    } else this.#outbox.send(okMessage(id, true, ''))
  }

  async #auth(value: unknown): Promise<void> {
    const event = parseEvent(value)
    if (!event.ok) return this.#refuseEvent(value, event.fault)
    const proven = await this.#authentication.prove(event.value)
    const { id } = event.value
    if (proven.ok) this.#outbox.send(okMessage(id, true, ''))
    else this.#outbox.send(okMessage(id, false, messageOf(proven.fault)))
  }
}

/** The rate that a verb counts against; CLOSE costs nothing but its bytes. */
const COUNTED_AS: Readonly<Record<ClientMessage['verb'], Refusable | null>> = {
  EVENT: 'event',
  AUTH: 'auth',
  REQ: 'query',
  COUNT: 'query',
  CLOSE: null,
}

const VERBS: ReadonlySet<string> = new Set(['EVENT', 'REQ', 'CLOSE', 'AUTH', 'COUNT'])

/** Bounded, since anybody can send any verb. */
function verbOf(parsed: Result<ClientMessage, MessageFault>): string {
  if (parsed.ok) return parsed.value.verb
  return parsed.fault.verb !== null && VERBS.has(parsed.fault.verb) ? parsed.fault.verb : 'other'
}
