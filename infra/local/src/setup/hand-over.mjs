import { spawn } from 'node:child_process'
import { constants } from 'node:os'

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
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}
