import { type Fault, transient } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import { type BucketShape, type Rate, TokenBucket } from './token-bucket.ts'

/** What is counted by client address: the labels of relay_rate_limited_total. */
export const LIMITED = ['event', 'query', 'auth', 'connection', 'byte'] as const
export type Limited = (typeof LIMITED)[number]

/** What is refused above its rate; bytes are read later instead. */
export type Refusable = Exclude<Limited, 'byte'>

export type Rates = Readonly<Record<Limited, Rate>>

/** Fault rate-limited. */
export interface RateFault extends Fault {
  readonly retryAfterS: number
}

/** What every address shares. */
export interface LimitsParts {
  readonly rates: Rates
  readonly shapes: Readonly<Record<Limited, BucketShape>>
  /** Milliseconds that only grow. */
  readonly nowMs: () => number
  readonly metrics: Pick<Metrics, 'count'>
}

/** The buckets of one client address, shared by all of its connections. */
export class AddressLimits {
  readonly key: string
  /** Open ones; kept by the RateLimiter. */
  connections = 0
  readonly #parts: LimitsParts
  readonly #buckets: Readonly<Record<Limited, TokenBucket>>

  constructor(key: string, parts: LimitsParts) {
    const { shapes } = parts
    this.key = key
    this.#parts = parts
    this.#buckets = {
      event: new TokenBucket(shapes.event),
      query: new TokenBucket(shapes.query),
      auth: new TokenBucket(shapes.auth),
      connection: new TokenBucket(shapes.connection),
      byte: new TokenBucket(shapes.byte),
    }
  }

  /** From when on these buckets are as good as new ones. */
  get fullAtMs(): number {
    const { event, query, auth, connection, byte } = this.#buckets
    return Math.max(event.fullAtMs, query.fullAtMs, auth.fullAtMs, connection.fullAtMs, byte.fullAtMs)
  }

  /** Null when one more is within the rate. */
  take(what: Refusable): RateFault | null {
    const { nowMs, metrics, rates } = this.#parts
    const waitMs = this.#buckets[what].take(nowMs())
    if (waitMs === 0) return null
    metrics.count('relay_rate_limited_total', { what })
    return rateFault(what, rates[what], waitMs)
  }

  /** Counts bytes that were read; answers for how long no more should be, milliseconds. */
  received(bytes: number): number {
    return this.#buckets.byte.charge(bytes, this.#parts.nowMs())
  }

  /** Counts a connection that is not read for a while. */
  paused(): void {
    this.#parts.metrics.count('relay_rate_limited_total', { what: 'byte' })
  }
}

const NAMES: Readonly<Record<Refusable, string>> = {
  event: 'EVENTs',
  query: 'queries',
  auth: 'AUTHs',
  connection: 'connections',
}

function rateFault(what: Refusable, { perS, burst }: Rate, waitMs: number): RateFault {
  const retryAfterS = Math.ceil(waitMs / 1000)
  const rate = `${rounded(perS)} ${NAMES[what]} a second from one address, ${rounded(burst)} at once`
  return {
    ...transient('rate-limited', `at most ${rate}; try again in ${retryAfterS} s`),
    retryAfterS,
  }
}

/** Shares of a rate need not be whole. */
const rounded = (value: number): number => Math.round(value * 10) / 10
