import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { LIMITS } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import { type ServerOptions, WebSocketServer } from 'ws'
import type { Bounds } from '../config.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import type { SessionParts } from '../session/session.ts'
import { addressKey, type ClientAddressOf, ConnectionCount } from './client-addresses.ts'
import { ClientSocket } from './client-socket.ts'
import { Connection } from './connection.ts'

export interface EdgeServerParts {
  readonly metrics: Metrics
  readonly clientAddressOf: ClientAddressOf
  readonly limiter: RateLimiter
  readonly bounds: Bounds
  /** Which worker this is, told in a header of the handshake; null: the only process. */
  readonly worker: number | null
}

/** What clients are served with; made once the port is known, since URLs contain it. */
export interface ServingParts {
  readonly session: SessionParts
  /** Answers plain HTTP requests at `/`: NIP-11 and the page for people. */
  readonly answerRoot: (request: IncomingMessage, response: ServerResponse) => void
}

/** So that operators and tests can tell which process a connection is with. */
export const WORKER_HEADER = 'X-Relay-Worker'

/** Longest wait for a client to answer a close frame before its socket is destroyed. */
const CLOSE_TIMEOUT_MS = 5_000

/** The port for clients: WebSocket and HTTP at `/`, nothing elsewhere. */
export class EdgeServer {
  readonly #parts: EdgeServerParts
  readonly #http: Server
  readonly #sockets: WebSocketServer
  readonly #count: ConnectionCount
  readonly #connections = new Set<Connection>()
  #heartbeat: NodeJS.Timeout | null = null

  constructor(parts: EdgeServerParts) {
    const { bounds, metrics } = parts
    this.#parts = parts
    this.#count = new ConnectionCount(bounds)
    const options: ServerOptions & { closeTimeout: number } = {
      WebSocket: ClientSocket,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: false,
      maxPayload: LIMITS.frameBytesMax,
      closeTimeout: CLOSE_TIMEOUT_MS,
    }
    this.#sockets = new WebSocketServer(options)
    const { worker } = parts
    if (worker !== null) this.#sockets.on('headers', (headers) => headers.push(`${WORKER_HEADER}: ${worker}`))
    this.#http = createServer({
      headersTimeout: bounds.handshakeTimeoutMs,
      requestTimeout: bounds.handshakeTimeoutMs,
      connectionsCheckingInterval: Math.max(50, Math.floor(bounds.handshakeTimeoutMs / 4)),
      keepAliveTimeout: 5_000,
    })
    metrics.onScrape(() => this.#sample())
  }

  get connectionCount(): number {
    return this.#count.total
  }

  /** Starts to listen; answers the port. */
  async listen(host: string, port: number, serve: (port: number) => ServingParts): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen(port, host, () => {
        this.#http.off('error', reject)
        resolve()
      })
    })
    const bound = (this.#http.address() as AddressInfo).port
    const { session, answerRoot } = serve(bound)
    this.#http.on('request', (request, response) => this.#answer(request, response, answerRoot))
    this.#http.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head, session))
    this.#heartbeat = setInterval(() => {
      for (const connection of this.#connections) connection.beat()
    }, this.#parts.bounds.pingIntervalMs)
    return bound
  }

  /** Refuses new clients, answers what is in flight for at most `graceMs`, then closes every connection. */
  async close(graceMs: number): Promise<void> {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    const grace = AbortSignal.timeout(graceMs)
    await Promise.all([...this.#connections].map((connection) => connection.shutDown(grace)))
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate()
      this.#http.closeAllConnections()
    }, graceMs)
    this.#http.closeIdleConnections()
    await closed
    clearTimeout(timer)
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, session: SessionParts): void {
    // An unheard error of a socket between HTTP and WebSocket would end the process.
    stream.on('error', () => stream.destroy())
    if (stream.destroyed) return
    const { clientAddressOf, limiter, bounds } = this.#parts
    const address = clientAddressOf(request)
    const limits = limiter.of(address)
    const tooFast = limits.take('connection')
    if (tooFast !== null) {
      refuse(stream, { status: REFUSALS.address.status, reason: tooFast.message }, tooFast.retryAfterS)
      return
    }
    const key = addressKey(address)
    const refusal = isRoot(request.url) ? REFUSALS[this.#count.tryAdd(key)] : REFUSALS.elsewhere
    if (refusal !== null) {
      refuse(stream, refusal)
      return
    }
    limiter.hold(limits)
    stream.once('close', () => {
      this.#count.remove(key)
      limiter.release(limits)
    })
    this.#sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection = new Connection(socket, stream, session, { ...bounds, limits })
      this.#connections.add(connection)
      socket.once('close', () => this.#connections.delete(connection))
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse, answerRoot: ServingParts['answerRoot']): void {
    const tooFast = this.#parts.limiter.of(this.#parts.clientAddressOf(request)).take('connection')
    // A connection that stays open could go on refusal after refusal, and a body that nobody wants could come without an end.
    if (tooFast !== null || hasBody(request)) response.shouldKeepAlive = false
    if (tooFast !== null)
      response
        .writeHead(429, {
          'content-type': 'text/plain',
          'retry-after': String(tooFast.retryAfterS),
          'access-control-allow-origin': '*',
        })
        .end(tooFast.message)
    else if (isRoot(request.url)) answerRoot(request, response)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found: the relay is at /\n')
  }

  #sample(): void {
    const { metrics, limiter } = this.#parts
    let outboxBytes = 0
    let subscriptions = 0
    for (const connection of this.#connections) {
      outboxBytes += connection.outboxBytes
      subscriptions += connection.subscriptionCount
    }
    metrics.set('relay_connections', {}, this.#connections.size)
    metrics.set('relay_outbox_bytes', {}, outboxBytes)
    metrics.set('relay_subscriptions', {}, subscriptions)
    metrics.set('relay_rate_limit_addresses', {}, limiter.addresses)
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** NIP-01: one endpoint, since further path segments would change nothing. */
const isRoot = (url: string | undefined): boolean => (url ?? '').split('?')[0] === '/'

const REFUSALS = {
  added: null,
  elsewhere: { status: '404 Not Found', reason: 'The relay is at /' },
  all: { status: '503 Service Unavailable', reason: 'The relay is full' },
  address: { status: '429 Too Many Requests', reason: 'Too many connections from your address' },
} as const

function refuse(
  stream: Duplex,
  { status, reason }: { status: string; reason: string },
  retryAfterS?: number,
): void {
  const head = [
    'Connection: close',
    'Content-Type: text/plain',
    `Content-Length: ${Buffer.byteLength(reason)}`,
    ...(retryAfterS === undefined ? [] : [`Retry-After: ${retryAfterS}`]),
  ]
  // A client that does not close its half would keep the socket for ever: after the upgrade nobody else watches it.
  stream.once('finish', () => stream.destroy())
  stream.end(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${reason}`)
}
