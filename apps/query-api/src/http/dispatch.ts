import { err, type Fault, type Result, transient } from '@millrace/kernel'
import {
  contextFromHeaders,
  contextOf,
  endSpan,
  inContext,
  type Logger,
  type Metrics,
  startSpan,
} from '@millrace/observability'
import type { Request, Response } from 'express'
import { ClickHouseTime } from './clickhouse-time.ts'
import { type Answer, type Call, type Endpoint, NEVER_CACHED } from './endpoint.ts'
import { Places } from './places.ts'

export interface DispatchOptions {
  readonly metrics: Metrics
  readonly log: Logger
  readonly requestTimeoutMs: number
  readonly requestsConcurrentMax: number
}

/** Probes and scrapes are answered whatever the load: places of their own. */
const OPERATIONS_CONCURRENT_MAX = 32

/** Runs endpoints: a bounded number at once, each for a bounded time, counted and timed under its name. */
export class Dispatch {
  readonly #options: DispatchOptions
  readonly #places: Places
  readonly #operationsPlaces = new Places(OPERATIONS_CONCURRENT_MAX)

  constructor(options: DispatchOptions) {
    this.#options = options
    this.#places = new Places(options.requestsConcurrentMax)
  }

  /** Answers one request; rejects only because of a programming error. */
  async run(endpoint: Endpoint, request: Request, response: Response): Promise<void> {
    const place = (endpoint.doc.tag === 'operations' ? this.#operationsPlaces : this.#places).take()
    if (!place.ok) return this.#answerFault(endpoint, response, place.fault)
    // A place is held until the last byte has left: answers that wait for slow readers take memory too.
    response.once('close', place.value)
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const timeUp = AbortSignal.timeout(this.#options.requestTimeoutMs)
    const clickHouseTime = new ClickHouseTime()
    const call: Call = {
      params: request.params as Readonly<Record<string, string>>,
      query: new URLSearchParams(request.originalUrl.split('?').slice(1).join('?')),
      body: typeof request.body === 'string' ? request.body : '',
      signal: AbortSignal.any([gone.signal, timeUp]),
      clickHouseTime,
    }
    const result = await traced(endpoint, request, () => this.#handle(endpoint, call, timeUp))
    const { seconds } = clickHouseTime
    if (seconds !== null)
      this.#options.metrics.observe(
        'api_clickhouse_query_duration_seconds',
        { endpoint: endpoint.name },
        seconds,
      )
    if (gone.signal.aborted) return
    if (!result.ok) return this.#answerFault(endpoint, response, result.fault)
    send(response, result.value, result.value.status < 400 ? endpoint.cacheControl : NEVER_CACHED)
  }

  #handle(endpoint: Endpoint, call: Call, timeUp: AbortSignal): Promise<Result<Answer>> {
    return new Promise((resolve, reject) => {
      timeUp.addEventListener('abort', () =>
        resolve(err(transient('timeout', `no answer within ${this.#options.requestTimeoutMs} ms`))),
      )
      Promise.resolve(endpoint.handle(call)).then(resolve, reject)
    })
  }

  #answerFault(endpoint: Endpoint, response: Response, fault: Fault): void {
    const answer = endpoint.answerFault(fault)
    if (answer.status >= 500)
      this.#options.log.warn(
        { endpoint: endpoint.name, code: fault.code, reason: fault.message },
        'a request failed',
      )
    send(response, answer, NEVER_CACHED)
  }
}

/** Continues the caller's trace, where there is one; ClickHouse continues this one. */
async function traced(
  { method, path, doc }: Endpoint,
  request: Request,
  work: () => Promise<Result<Answer>>,
): Promise<Result<Answer>> {
  // Probes come every few seconds and tell nothing that the metrics do not.
  if (doc.tag === 'operations') return work()
  const { traceparent } = request.headers
  const caller = contextFromHeaders(typeof traceparent === 'string' ? { traceparent } : {})
  const span = startSpan(
    'api.request',
    { 'http.request.method': method.toUpperCase(), 'http.route': path },
    caller,
  )
  let failure: string | undefined = 'internal'
  try {
    const result = await inContext(contextOf(span), work)
    failure = result.ok ? undefined : result.fault.code
    return result
  } finally {
    endSpan(span, failure)
  }
}

export function send(response: Response, answer: Answer, cacheControl: string): void {
  response.status(answer.status).set('cache-control', cacheControl)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.set(name, value)
  response.type(answer.contentType).send(answer.body)
}
