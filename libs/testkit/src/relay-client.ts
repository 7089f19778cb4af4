import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { WebSocket } from 'ws'
import { RelaySubscription } from './relay-subscription.ts'
import { type SignedEvent, signAuth, type TestKey } from './signer.ts'
import { within } from './until.ts'

/** One parsed frame from the relay, such as ["OK", id, true, ""]. */
export type Frame = readonly [verb: string, ...rest: unknown[]]

/** A filter as it goes over the wire (NIP-01). */
export type WireFilter = Readonly<Record<string, unknown>>

export interface OkFrame {
  readonly id: string
  readonly accepted: boolean
  readonly message: string
}

export interface RequestResult {
  /** In the order they came. */
  readonly events: readonly SignedEvent[]
  /** The message of CLOSED; null when EOSE came. */
  readonly closed: string | null
}

export interface DeadlineOptions {
  /** Longest wait, milliseconds (default 10,000). */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 10_000

interface Waiter {
  readonly matches: (frame: Frame) => boolean
  readonly resolve: (frame: Frame) => void
  readonly reject: (error: Error) => void
}

/** A Nostr client for tests: every wait has a deadline, every frame is kept in `frames`. */
export class RelayClient {
  /** Every frame received, in order. */
  readonly frames: Frame[] = []
  /** How the connection ended; settles once. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly url: string
  /** Of the relay's answer to the handshake. */
  headers: IncomingHttpHeaders = {}
  readonly #socket: WebSocket
  readonly #waiters = new Set<Waiter>()
  #subscriptions = 0
  #challenge: string | null = null

  private constructor(url: string, socket: WebSocket) {
    this.url = url
    this.#socket = socket
    socket.on('message', (data) => this.#receive(JSON.parse(String(data)) as Frame))
    socket.on('error', (error) => this.#fail(error))
    socket.once('upgrade', ({ headers }) => {
      this.headers = headers
    })
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#fail(new Error(`connection to ${url} closed: ${code} ${String(reason)}`))
        resolve({ code, reason: String(reason) })
      })
    })
  }

  static async connect(
    url: string,
    { deadlineMs = DEADLINE_MS, headers = {} }: DeadlineOptions & { headers?: Record<string, string> } = {},
  ): Promise<RelayClient> {
    const socket = new WebSocket(url, { headers, handshakeTimeout: deadlineMs })
    const client = new RelayClient(url, socket)
    await once(socket, 'open')
    return client
  }

  /** Sends text or bytes exactly as given. */
  send(raw: string | Uint8Array): void {
    this.#socket.send(raw)
  }

  sendMessage(...message: Frame): void {
    this.send(JSON.stringify(message))
  }

  /** Publishes an event and waits for its OK. */
  async publish(event: SignedEvent, options: DeadlineOptions = {}): Promise<OkFrame> {
    const answer = this.nextFrame(isOkFor(event.id), { ...options, what: `OK for ${event.id}` })
    this.sendMessage('EVENT', event)
    return readOk(await answer)
  }

  /** Asks once: everything until EOSE or CLOSED; the subscription is closed afterwards. */
  async req(filters: readonly WireFilter[], options: DeadlineOptions = {}): Promise<RequestResult> {
    const subscription = this.subscribe(filters)
    const { deadlineMs = DEADLINE_MS } = options
    const closed = await subscription.stored(deadlineMs)
    const events = subscription.takeAll()
    if (closed === null) subscription.close()
    return { events, closed }
  }

  /** Opens a subscription and leaves it open: see RelaySubscription. */
  subscribe(
    filters: readonly WireFilter[],
    subscriptionId = `sub-${++this.#subscriptions}`,
  ): RelaySubscription {
    return new RelaySubscription(this, subscriptionId, filters)
  }

  /** The count of NIP-45, or the message of CLOSED. */
  async count(
    filters: readonly WireFilter[],
    options: DeadlineOptions = {},
  ): Promise<{ readonly count: number } | { readonly closed: string }> {
    const id = `count-${++this.#subscriptions}`
    const answer = this.nextFrame(([verb, of]) => (verb === 'COUNT' || verb === 'CLOSED') && of === id, {
      ...options,
      what: `answer to COUNT ${id}`,
    })
    this.sendMessage('COUNT', id, ...filters)
    const [verb, , rest] = await answer
    return verb === 'CLOSED' ? { closed: String(rest) } : (rest as { count: number })
  }

  /** The challenge last received; waits for the first one. */
  async challenge({ deadlineMs = DEADLINE_MS }: DeadlineOptions = {}): Promise<string> {
    if (this.#challenge !== null) return this.#challenge
    const [, challenge] = await this.nextFrame(([verb]) => verb === 'AUTH', {
      deadlineMs,
      what: 'AUTH challenge',
    })
    return String(challenge)
  }

  /** Authenticates as the key (NIP-42); `relayUrl` defaults to the URL connected to. */
  async auth(
    key: TestKey,
    { relayUrl = this.url, ...options }: DeadlineOptions & { relayUrl?: string } = {},
  ) {
    const event = signAuth(await this.challenge(options), relayUrl, key)
    const answer = this.nextFrame(isOkFor(event.id), { ...options, what: 'OK for AUTH' })
    this.sendMessage('AUTH', event)
    return readOk(await answer)
  }

  /** The next frame, from now on, that satisfies the test; rejects at the deadline or when the connection ends. */
  nextFrame(
    matches: (frame: Frame) => boolean,
    { deadlineMs = DEADLINE_MS, what = 'a frame' }: DeadlineOptions & { what?: string } = {},
  ): Promise<Frame> {
    let waiter: Waiter | undefined
    const arrived = new Promise<Frame>((resolve, reject) => {
      if (this.#socket.readyState > WebSocket.OPEN) return reject(new Error(`not connected to ${this.url}`))
      waiter = { matches, resolve, reject }
      this.#waiters.add(waiter)
    })
    return within(deadlineMs, what, arrived).finally(() => waiter && this.#waiters.delete(waiter))
  }

  /** Calls back for every later frame, until the returned function is called. */
  onFrame(listener: (frame: Frame) => void): () => void {
    const waiter: Waiter = {
      matches: (frame) => {
        listener(frame)
        return false
      },
      resolve: () => {},
      reject: () => {},
    }
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  /** Closes the connection and waits until it is closed. */
  async close(): Promise<void> {
    this.#socket.close()
    await within(DEADLINE_MS, 'connection closed', this.closed)
  }

  /** Cuts the connection without a closing handshake, as a vanished client does. */
  terminate(): void {
    this.#socket.terminate()
  }

  #receive(frame: Frame): void {
    this.frames.push(frame)
    if (frame[0] === 'AUTH') this.#challenge = String(frame[1])
    for (const waiter of [...this.#waiters]) if (waiter.matches(frame)) waiter.resolve(frame)
  }

  #fail(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters.clear()
  }
}

const isOkFor = (id: string) => (frame: Frame) => frame[0] === 'OK' && frame[1] === id

const readOk = ([, id, accepted, message]: Frame): OkFrame => ({
  id: String(id),
  accepted: accepted === true,
  message: String(message),
})
