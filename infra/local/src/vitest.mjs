import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { NODE, ROOT } from './paths.mjs'

const STOP_TIMEOUT_MS = 10_000

/**
 * Runs vitest with its output on our terminal; answers its exit code. What its workers left running is killed: they all
 * belong to its process group, or end with the pipe to their parent.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {AbortSignal} signal
 * @returns {Promise<number>}
 */
export function runVitest(args, env, signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      NODE,
      [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', ROOT, ...args],
      {
        env,
        cwd: ROOT,
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
    /** @param {NodeJS.Signals} name */
    const signalGroup = (name) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name)
      } catch {
        // Nobody is left in the group.
      }
    }
    signal.addEventListener('abort', () => {
      signalGroup('SIGINT')
      setTimeout(() => signalGroup('SIGKILL'), STOP_TIMEOUT_MS).unref()
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      signalGroup('SIGKILL')
      resolve(code ?? 1)
    })
  })
}
