import { err, ok, type Result, transient } from '@millrace/kernel'

/**
 * The iterator's next element, waiting for it at most `timeoutMs`: fault timeout. An abort of the signal ends the
 * wait as if the iteration were over.
 */
export async function nextWithin<T>(
  iterator: AsyncIterator<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Result<IteratorResult<T>>> {
  let settle = () => {}
  const gaveUp = new Promise<void>((resolve) => {
    settle = resolve
  })
  const timer = setTimeout(settle, timeoutMs)
  signal.addEventListener('abort', settle, { once: true })
  if (signal.aborted) settle()
  try {
    const next = await Promise.race([iterator.next(), gaveUp])
    if (next !== undefined) return ok(next)
    if (signal.aborted) return ok({ done: true, value: undefined })
    return err(transient('timeout', `no results within ${timeoutMs} ms`))
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', settle)
  }
}
