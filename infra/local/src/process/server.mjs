import { describeExit } from './launched.mjs'
import { delayMs } from './until.mjs'

/** A server that did not come up; `exitCode` is its exit code when it ended by itself. */
export class StartFailure extends Error {
  /** @param {string} message @param {number | null} exitCode */
  constructor(message, exitCode) {
    super(message)
    this.name = 'StartFailure'
    this.exitCode = exitCode
  }
}

/**
 * Waits until a just launched server answers. Rejects with StartFailure when it ends before; kills it at the deadline and
 * when the signal aborts.
 * @param {import('./launched.mjs').Launched} child
 * @param {object} options
 * @param {string} options.name
 * @param {() => boolean | Promise<boolean>} options.isReady
 * @param {number} [options.deadlineMs] none by default
 * @param {AbortSignal | undefined} [options.signal]
 */
export async function whenReady(child, { name, isReady, deadlineMs = Number.POSITIVE_INFINITY, signal }) {
  const endMs = performance.now() + deadlineMs
  while (child.isRunning() && signal?.aborted !== true && performance.now() < endMs) {
    if (await isReady()) return
    await delayMs(25)
  }
  const endedItself = !child.isRunning()
  const exit = await child.kill()
  const lines = exit.lastLines.length === 0 ? '' : `:\n  ${exit.lastLines.slice(-8).join('\n  ')}`
  if (signal?.aborted) throw new StartFailure(`${name} was stopped while it started`, null)
  if (!endedItself) throw new StartFailure(`${name} did not start within ${deadlineMs} ms${lines}`, null)
  throw new StartFailure(`${name} ended while starting (${describeExit(exit)})${lines}`, exit.code)
}
