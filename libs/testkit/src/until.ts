import { delayMs } from '@millrace/kernel'

export interface UntilOptions {
  /** Longest wait, milliseconds (default 10,000). */
  readonly deadlineMs?: number
  /** What is waited for: the message of the failure. */
  readonly what: string
  /** Pause between two looks, milliseconds (default 10). */
  readonly intervalMs?: number
}

/**
 * Waits until the condition holds: looks again and again, and answers the first value that is neither false, null nor
 * undefined. Rejects at the deadline; a condition that throws at the deadline is the cause.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 10_000, what, intervalMs = 10 }: UntilOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const endMs = performance.now() + deadlineMs
  let lastError: unknown
  do {
    try {
      const value = await condition()
      if (value !== false && value !== null && value !== undefined)
        return value as Exclude<T, false | null | undefined>
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    await delayMs(intervalMs)
  } while (performance.now() < endMs)
  throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: lastError })
}

/** The promise's value, or a rejection naming what was waited for once the deadline has passed. */
export async function within<T>(deadlineMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
