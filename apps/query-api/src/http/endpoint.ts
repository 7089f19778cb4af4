import type { Fault, Result } from '@millrace/kernel'
import type { ClickHouseTime } from './clickhouse-time.ts'
import type { EndpointDoc } from './endpoint-doc.ts'

/** One request, past routing. */
export interface Call {
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The request's body as text; empty where the endpoint takes none. */
  readonly body: string
  /** Aborts when the client has gone or the request's time is up. */
  readonly signal: AbortSignal
  /** Everything asked of ClickHouse for this request goes through it. */
  readonly clickHouseTime: ClickHouseTime
}

/** A finished answer; `body` is encoded already. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One route: what express serves, what the metrics call it and what the OpenAPI document says come from here. */
export interface Endpoint {
  /** The label `endpoint` of the metrics. */
  readonly name: string
  readonly method: 'get' | 'post'
  /** As express writes it: `/api/events/:id`. */
  readonly path: string
  /** Cache-Control of its good answers; faults are never cached. */
  readonly cacheControl: string
  /** Largest request body, bytes; absent where it takes none. */
  readonly bodyBytesMax?: number
  readonly doc: EndpointDoc
  /** How a fault of this endpoint looks to its callers. */
  readonly answerFault: (fault: Fault) => Answer
  handle(call: Call): Result<Answer> | Promise<Result<Answer>>
}

export const NEVER_CACHED = 'no-store'

export const jsonAnswer = (status: number, value: unknown, contentType = 'application/json'): Answer => ({
  status,
  contentType,
  body: JSON.stringify(value),
})
