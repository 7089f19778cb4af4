import { ok, type Result } from '@millrace/kernel'
import type { Logger, Metrics } from '@millrace/observability'
import type { LimitsConfig } from '../config.ts'
import { addressesIn } from '../server/client-addresses.ts'
import { RateLimiter } from './rate-limiter.ts'

export interface EdgeLimitsParts {
  readonly log: Pick<Logger, 'warn'>
  readonly metrics: Metrics
  /** Milliseconds that only grow; default: those of the process. */
  readonly nowMs?: (() => number) | undefined
  /** Processes among which clients are spread. */
  readonly processes?: number
}

export interface EdgeLimits {
  readonly limiter: RateLimiter
  /** To be told of a peer whose X-Forwarded-For is not believed. */
  readonly onIgnoredForward: (peer: string) => void
}

/**
 * The rates of the settings. Behind a proxy that is exempt but not trusted nobody is limited, so that is said, once.
 * Fault configuration-invalid.
 */
export function edgeLimits(
  { rates, exempt, addressesMax }: LimitsConfig,
  { log, metrics, nowMs = () => performance.now(), processes = 1 }: EdgeLimitsParts,
): Result<EdgeLimits> {
  const isExempt = addressesIn('RATE_LIMIT_EXEMPT', exempt)
  if (!isExempt.ok) return isExempt
  let isWarned = false
  const onIgnoredForward = (peer: string) => {
    if (isWarned || !isExempt.value(peer)) return
    isWarned = true
    log.warn(
      { peer },
      'clients behind this proxy are not rate-limited: RATE_LIMIT_EXEMPT names it and TRUSTED_PROXIES does not',
    )
  }
  const limiter = new RateLimiter({
    rates,
    isExempt: isExempt.value,
    addressesMax,
    nowMs,
    metrics,
    processes,
  })
  return ok({ limiter, onIgnoredForward })
}
