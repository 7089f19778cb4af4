import type { Metrics } from '@millrace/observability'
import { addressKey } from '../server/client-addresses.ts'
import { AddressLimits, LIMITED, type LimitsParts, type Rates } from './address-limits.ts'
import { type Rate, shapeOf } from './token-bucket.ts'

export interface RateLimiterOptions {
  readonly rates: Rates
  /** Addresses that are not limited. */
  readonly isExempt: (address: string) => boolean
  /** Addresses without a connection whose buckets are kept. */
  readonly addressesMax: number
  /** Milliseconds that only grow. */
  readonly nowMs: () => number
  readonly metrics: Pick<Metrics, 'count'>
  /** Processes that share the rates, because clients reach any of them: each gives out its part. */
  readonly processes?: number
}

/** How many of the addresses without a connection are looked at when one is added. */
const LOOKED_AT_ADDRESSES = 8

/**
 * The rates of every client address. Buckets that are full again are forgotten, as new ones are the same. Those of connected addresses
 * are always kept (CONNECTIONS_MAX bounds them); of the others, when there are too many, one that would soon be full goes first. So a
 * flood of addresses does not grow the table, and to have an address forgotten that is far over its rates takes more fresh addresses
 * than it wins.
 */
export class RateLimiter {
  readonly isExempt: (address: string) => boolean
  readonly #parts: LimitsParts
  readonly #addressesMax: number
  readonly #unlimited: AddressLimits
  readonly #connected = new Map<string, AddressLimits>()
  readonly #idle = new Map<string, AddressLimits>()
  #hand = this.#idle.values()

  constructor({ rates, isExempt, addressesMax, nowMs, metrics, processes = 1 }: RateLimiterOptions) {
    this.isExempt = isExempt
    this.#addressesMax = addressesMax
    this.#parts = partsOf((what) => shareOf(rates[what], processes), { nowMs, metrics })
    this.#unlimited = new AddressLimits(
      'exempt',
      partsOf(() => ({ perS: 0, burst: 1 }), { nowMs, metrics }),
    )
  }

  /** Addresses whose use is remembered. */
  get addresses(): number {
    return this.#connected.size + this.#idle.size
  }

  of(address: string): AddressLimits {
    if (this.isExempt(address)) return this.#unlimited
    const key = addressKey(address)
    return this.#connected.get(key) ?? this.#idle.get(key) ?? this.#add(key)
  }

  /** A connection of this address is open: its buckets are kept until `release`. */
  hold(limits: AddressLimits): void {
    limits.connections++
    if (limits === this.#unlimited) return
    this.#idle.delete(limits.key)
    this.#connected.set(limits.key, limits)
  }

  release(limits: AddressLimits): void {
    limits.connections--
    if (limits.connections > 0 || limits === this.#unlimited) return
    this.#connected.delete(limits.key)
    this.#keep(limits)
  }

  #add(key: string): AddressLimits {
    const limits = new AddressLimits(key, this.#parts)
    this.#keep(limits)
    return limits
  }

  #keep(limits: AddressLimits): void {
    this.#makeRoom()
    this.#idle.set(limits.key, limits)
  }

  /** The hand goes round the table, as in the CLOCK algorithm: looking from the oldest on each time would meet the same ones. */
  #makeRoom(): void {
    const nowMs = this.#parts.nowMs()
    let soonest: AddressLimits | null = null
    for (let looked = 0; looked < LOOKED_AT_ADDRESSES; looked++) {
      const limits = this.#turnHand()
      if (limits === undefined) return
      if (limits.fullAtMs <= nowMs) this.#idle.delete(limits.key)
      else if (soonest === null || limits.fullAtMs < soonest.fullAtMs) soonest = limits
    }
    if (soonest !== null && this.#idle.size >= this.#addressesMax) this.#idle.delete(soonest.key)
  }

  #turnHand(): AddressLimits | undefined {
    const next = this.#hand.next()
    if (next.done !== true) return next.value
    this.#hand = this.#idle.values()
    return this.#hand.next().value
  }
}

const shareOf = ({ perS, burst }: Rate, processes: number): Rate => ({
  perS: perS / processes,
  burst: Math.max(1, burst / processes),
})

function partsOf(
  rateOf: (what: (typeof LIMITED)[number]) => Rate,
  rest: Pick<LimitsParts, 'nowMs' | 'metrics'>,
): LimitsParts {
  const rates = Object.fromEntries(LIMITED.map((what) => [what, rateOf(what)])) as Rates
  const shapes = Object.fromEntries(LIMITED.map((what) => [what, shapeOf(rates[what])]))
  return { rates, shapes: shapes as LimitsParts['shapes'], ...rest }
}
