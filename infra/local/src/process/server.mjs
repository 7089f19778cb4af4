import { describeExit } from './launched.mjs'
import { until } from './until.mjs'

/**
 * Waits until a just launched server answers. Rejects with its last lines when it ends before, and kills it at the
 * deadline.
 * @param {import('./launched.mjs').Launched} child
 * @param {{ name: string, isReady: () => boolean | Promise<boolean>, deadlineMs: number }} options
 */
export async function whenReady(child, { name, isReady, deadlineMs }) {
  /** @type {import('./launched.mjs').Exit | null} */
  let exit = null
  void child.exited.then((e) => {
    exit = e
  })
  try {
    await until(async () => exit !== null || (await isReady()), { what: `${name} ready`, deadlineMs })
  } catch (cause) {
    const { lastLines } = await child.kill()
    throw new Error(`${name} did not start within ${deadlineMs} ms${quoted(lastLines)}`, { cause })
  }
  const ended = /** @type {import('./launched.mjs').Exit | null} */ (exit)
  if (ended !== null)
    throw new Error(`${name} ended while starting (${describeExit(ended)})${quoted(ended.lastLines)}`)
}

/** @param {readonly string[]} lines */
const quoted = (lines) => (lines.length === 0 ? '' : `:\n  ${lines.slice(-8).join('\n  ')}`)
