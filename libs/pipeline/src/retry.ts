import type { Fault } from '@millrace/kernel'
import {
  type BackoffOptions,
  backoffMs,
  delayMs,
  err,
  FaultError,
  type Result,
  transient,
} from '@millrace/kernel'

export interface RetryOptions {
  readonly backoff: BackoffOptions
  readonly signal: AbortSignal
  /** Called before each wait. */
  readonly onRetry?: (fault: Fault, attempt: number) => void
}

/**
 * Tries until the attempt answers something else than a transient fault. Thrown errors count as transient I/O unless
 * they carry another kind of fault. Fault shutting-down when the signal aborted and the attempt, made once at least,
 * failed.
 */
export async function untilSettled<T>(
  attempt: () => Promise<Result<T>>,
  { backoff, signal, onRetry }: RetryOptions,
): Promise<Result<T>> {
  const waits = backoffMs(backoff)
  for (let tries = 1; ; tries++) {
    const result = await settled(attempt)
    if (result.ok || result.fault.kind !== 'transient') return result
    if (signal.aborted) return err(transient('shutting-down', 'stopped while retrying'))
    onRetry?.(result.fault, tries)
    await delayMs(waits.next().value, signal)
  }
}

/** The attempt's result, with a throw turned into a fault. */
async function settled<T>(attempt: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await attempt()
  } catch (thrown) {
    return err(faultOf(thrown))
  }
}

export const faultOf = (thrown: unknown): Fault =>
  thrown instanceof FaultError
    ? thrown.fault
    : transient('internal', thrown instanceof Error ? thrown.message : String(thrown), thrown)
