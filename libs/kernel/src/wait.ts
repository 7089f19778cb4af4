/** Resolves after `ms` milliseconds, or at once when the signal aborts (without throwing). */
export function delayMs(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}

export interface BackoffOptions {
  readonly initialMs: number
  readonly maxMs: number
  readonly factor?: number
}

/** Exponential waits with full jitter, so that many waiters do not come back at once. */
export function* backoffMs({ initialMs, maxMs, factor = 2 }: BackoffOptions): Generator<number, never> {
  let ceilingMs = initialMs
  while (true) {
    yield Math.ceil(ceilingMs / 2 + Math.random() * (ceilingMs / 2))
    ceilingMs = Math.min(maxMs, ceilingMs * factor)
  }
}
