import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

const WATCH_MS = 500

/**
 * Runs another program in our place: same terminal, same signals; answers its exit code. Its channel to us tells it when
 * we end in a way that sends no signal.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, channel?: boolean, cwd?: string }} [options]
 * @returns {Promise<number>}
 */
export function handOver(command, args, { env = process.env, channel = true, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      env,
      stdio: channel ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
      ...(cwd ? { cwd } : {}),
    })
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
      process.on(signal, () => void child.kill(signal))
    const watch = watchNpm(() => child.kill('SIGTERM'))
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))
    })
  })
}

/**
 * npm runs a script through a shell, and a signal to npm alone ends one of the two without reaching us: their end is
 * noticed by the change of our parent, or of its parent.
 * @param {() => void} onGone
 */
function watchNpm(onGone) {
  if (process.env['npm_lifecycle_event'] === undefined) return undefined
  const shell = process.ppid
  const npm = parentOf(shell)
  const watch = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return
    clearInterval(watch)
    onGone()
  }, WATCH_MS)
  return watch
}

/** Unknown, and so never changing, where there is no /proc. @param {number} pid */
function parentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[1]
  } catch {
    return undefined
  }
}
