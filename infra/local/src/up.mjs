// The supervisor behind `npm start`, on the pinned Node 24: starts every part in order, watches and restarts them, stops
// them in reverse order. bin/start.mjs prepares the clone and hands over to this; startStack() runs it for tests.
//   node up.mjs [--no-color]
import { OperatorError } from './operator-error.mjs'
import { readSettings, settleOpsPorts } from './settings.mjs'
import { takeLock } from './setup/data-lock.mjs'
import { preflight, stackLock } from './setup/preflight.mjs'
import { keepPrivate, makePrivateFolders } from './setup/private-folders.mjs'
import { Progress } from './setup/progress.mjs'
import { serveControl } from './supervisor/control-server.mjs'
import { Stack } from './supervisor/stack.mjs'
import { summary } from './supervisor/summary.mjs'

/** One Ctrl-C reaches us twice, from the terminal and from npm; a person's second one comes later. */
const SECOND_SIGNAL_MS = 2000

const progress = new Progress({ color: !process.argv.includes('--no-color') })

/** @param {unknown} error */
function explain(error) {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const known = error instanceof OperatorError || name === 'StartFailure'
  return `${progress.paint('error', 31)} ${known ? message : (stack ?? message)}`
}

async function main() {
  keepPrivate()
  const settings = await settleOpsPorts(readSettings())
  await preflight(settings)
  makePrivateFolders(settings.dataDir)
  const lock = takeLock(stackLock(settings.dataDir), {
    what: 'a stack',
    onTakeover: (pid) =>
      progress.notice(
        `the lock of a stack that ended without a word (pid ${pid ?? 'unknown'}) is taken over`,
      ),
  })
  /** @type {(reason: Error | null) => void} */
  let end = () => {}
  const ended = /** @type {Promise<(Error & { exitCode?: number }) | null>} */ (
    new Promise((resolve) => {
      end = resolve
    })
  )
  const stack = new Stack({ settings, env: process.env, progress, onFatal: (error) => end(error) })
  endOnSignals(stack, () => end(null))
  const control = await serveControl(stack)
  stack.up().then(
    () => stack.state === 'ready' && progress.line(summary(stack, process.env)),
    (error) => end(stack.state === 'stopping' ? null : error),
  )
  const reason = await ended
  if (reason !== null) progress.line(explain(reason))
  else progress.line('')
  await stack.down()
  await control.close()
  lock.release()
  return reason === null ? 0 : (reason.exitCode ?? 1)
}

/** @param {Stack} stack @param {() => void} end */
function endOnSignals(stack, end) {
  /** @type {number | null} */
  let firstMs = null
  const stop = () => {
    if (firstMs === null) {
      firstMs = performance.now()
      stack.state = 'stopping'
      end()
    } else if (performance.now() - firstMs >= SECOND_SIGNAL_MS) {
      progress.notice('killing what is left')
      void stack.killAll()
    }
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop)
  // Whoever started us went away without a signal: nothing may outlive it.
  if (process.connected) process.once('disconnect', stop)
}

try {
  process.exit(await main())
} catch (error) {
  progress.line(explain(error))
  process.exit(1)
}
