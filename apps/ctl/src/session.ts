import type { Environment } from '@millrace/config'
import { type CtlConfig, loadConfig } from './config.ts'
import type { Console } from './terminal/console.ts'

/** What a command gets besides its own options. */
export interface Session {
  readonly env: Environment
  readonly console: Console
  /** Parsed when first needed: `generate` and `--help` work without any. */
  config(): Promise<CtlConfig>
  /**
   * From the call on, SIGINT and SIGTERM abort this signal instead of ending the process, so that a command finishes what is
   * in flight; a second one ends it.
   */
  interruptible(): AbortSignal
}

/** A terminal signals the whole group and the launcher passes its own on: both arrive within milliseconds. */
const SAME_INTERRUPT_MS = 1_000
const EXIT_SIGINT = 130

export function createSession(env: Environment, console: Console): Session {
  let config: Promise<CtlConfig> | undefined
  let signal: AbortSignal | undefined
  return {
    env,
    console,
    config: () => {
      config ??= loadConfig(env)
      return config
    },
    interruptible: () => {
      signal ??= interruptible(console)
      return signal
    },
  }
}

function interruptible(console: Console): AbortSignal {
  const abort = new AbortController()
  let firstMs = 0
  const onSignal = () => {
    const nowMs = performance.now()
    if (!abort.signal.aborted) {
      firstMs = nowMs
      console.err.write('\nfinishing what is in flight; interrupt again to stop at once\n')
      abort.abort()
    } else if (nowMs - firstMs > SAME_INTERRUPT_MS) process.exit(EXIT_SIGINT)
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return abort.signal
}
