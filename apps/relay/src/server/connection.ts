import type { Duplex } from 'node:stream'
import { delayMs } from '@millrace/kernel'
import { noticeMessage } from '@millrace/nostr'
import type { Metrics } from '@millrace/observability'
import type { RawData, WebSocket } from 'ws'
import type { AddressLimits } from '../limits/address-limits.ts'
import { Inbox } from '../session/inbox.ts'
import { Session, type SessionParts } from '../session/session.ts'
import { Intake } from './intake.ts'
import { Outbox } from './outbox.ts'

export interface ConnectionOptions {
  readonly outboxBytesMax: number
  readonly outboxDrainTimeoutMs: number
  /** Of the client's address. */
  readonly limits: AddressLimits
}

/** Why the relay ends a connection: the label of the metric. */
export type CloseReason = 'slow' | 'silent' | 'binary' | 'protocol' | 'shutdown'

/** Close codes of RFC 6455, section 7.4.1. */
const CLOSE = { goingAway: 1001, unsupportedData: 1003, policyViolation: 1008 } as const

const DRAIN_POLL_MS = 10

/** One WebSocket with its session, from upgrade to close. */
export class Connection {
  readonly #socket: WebSocket
  readonly #outbox: Outbox
  readonly #intake: Intake
  readonly #inbox: Inbox
  readonly #session: Session
  readonly #metrics: Metrics
  /** Pings sent since the client was last heard. */
  #pingsUnanswered = 0

  /** @param stream the socket under the WebSocket */
  constructor(socket: WebSocket, stream: Duplex, parts: SessionParts, options: ConnectionOptions) {
    this.#socket = socket
    this.#metrics = parts.metrics
    this.#outbox = new Outbox(socket, stream, { ...options, onOverflow: () => this.#cutOff() })
    this.#session = new Session(parts, this.#outbox, options.limits)
    this.#intake = new Intake(socket, stream, options.limits)
    this.#inbox = new Inbox((text) => this.#session.receive(text), this.#intake)
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('pong', () => this.#heard())
    socket.on('ping', () => this.#heard())
    // ws has begun to close with 1002, 1007, 1008 or 1009; ClientSocket has said why.
    socket.on('error', () => this.#countClosed('protocol'))
    socket.on('close', () => this.#end())
    this.#session.start()
  }

  get outboxBytes(): number {
    return this.#outbox.bytes
  }

  get subscriptionCount(): number {
    return this.#session.subscriptionCount
  }

  /** Cuts off a client that answered neither of the last two pings, else pings it. */
  beat(): void {
    // A client that is not being read cannot be heard either.
    if (this.#socket.isPaused) return
    if (this.#pingsUnanswered >= 2) {
      this.#countClosed('silent')
      this.#socket.terminate()
      return
    }
    this.#pingsUnanswered++
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  /** Takes nothing more in, answers what is in flight (bounded by the signal), then closes. */
  async shutDown(signal: AbortSignal): Promise<void> {
    this.#inbox.close()
    this.#socket.pause()
    while (this.#session.eventsInFlight > 0 && !signal.aborted) await delayMs(DRAIN_POLL_MS, signal)
    this.#socket.resume()
    this.#close('shutdown', CLOSE.goingAway, 'the relay is shutting down')
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#heard()
    if (!isBinary) {
      this.#inbox.push(String(data))
      return
    }
    this.#outbox.send(noticeMessage('invalid: binary frames are not understood'))
    this.#close('binary', CLOSE.unsupportedData, 'binary frame')
  }

  #heard(): void {
    this.#pingsUnanswered = 0
    this.#intake.countFrame()
  }

  /** The reason queues behind what the client does not read; ws gives up on it after its close timeout. */
  #cutOff(): void {
    this.#socket.send(noticeMessage('error: cut off, you read too slowly'))
    this.#close('slow', CLOSE.policyViolation, 'slow client')
  }

  #close(reason: CloseReason, code: number, text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#countClosed(reason)
    this.#end()
    this.#socket.close(code, text)
  }

  #countClosed(reason: CloseReason): void {
    this.#metrics.count('relay_connections_closed_total', { reason })
  }

  #end(): void {
    this.#inbox.close()
    this.#intake.close()
    this.#outbox.close()
    this.#session.end()
  }
}
