/** @param {number} ms @returns {Promise<void>} */
export const delayMs = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Looks again and again until the condition holds; rejects at the deadline.
 * @param {() => boolean | Promise<boolean>} condition
 * @param {{ what: string, deadlineMs: number, intervalMs?: number }} options
 */
export async function until(condition, { what, deadlineMs, intervalMs = 25 }) {
  const endMs = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await delayMs(intervalMs)
  }
}
