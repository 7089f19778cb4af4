import type { ReadinessCheck } from '@millrace/observability'
import type { HealthTarget } from '../config.ts'

const BODY_CHARACTERS_MAX = 64 * 1024

/** Asks another process's /ready: null = ready, else what it says is missing. */
export const targetCheck =
  ({ url }: HealthTarget, timeoutMs: number): ReadinessCheck =>
  async () => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
      const text = await response.text()
      if (response.status === 200) return null
      return missingIn(text) ?? `answers ${response.status}`
    } catch (cause) {
      return reasonOf(cause, timeoutMs)
    }
  }

/** The checks of a /ready body that are not ok. */
function missingIn(text: string): string | null {
  if (text.length > BODY_CHARACTERS_MAX) return null
  try {
    const { checks } = JSON.parse(text) as { checks?: Record<string, unknown> }
    const missing = Object.entries(checks ?? {}).filter(([, state]) => state !== 'ok')
    return missing.length === 0
      ? null
      : missing.map(([name, state]) => `${name}: ${String(state)}`).join(', ')
  } catch {
    return null
  }
}

function reasonOf(cause: unknown, timeoutMs: number): string {
  if (!(cause instanceof Error)) return 'not reachable'
  if (cause.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  const inner = cause.cause as NodeJS.ErrnoException | undefined
  return `not reachable (${inner?.code ?? cause.message})`
}
