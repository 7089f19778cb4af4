import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { until } from '../process/until.mjs'

const MODULE = JSON.stringify(fileURLToPath(new URL('./hand-over.mjs', import.meta.url)))
/** An entry script as `npm start` runs it: npm, its shell, the script, and what that hands over to. */
const AS_NPM = `sh -c '"$0" --input-type=module -e "$1"; exit $?' "$0" "$1"; exit $?`

/** @param {string} inner what is handed over to */
function runEntryScript(inner) {
  const program = `process.execPath, ['-e', ${JSON.stringify(inner)}]`
  const script = `import { handOver } from ${MODULE}; process.exit(await handOver(${program}))`
  return spawn('sh', ['-c', AS_NPM, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, npm_lifecycle_event: 'start' },
  })
}

const isAlive = (/** @type {number} */ pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('the exit code is the one of the program handed over to', async () => {
  expect(await once(runEntryScript('process.exit(7)'), 'exit')).toEqual([7, null])
})

test.runIf(process.platform === 'linux')('it ends when npm is killed without a word', async () => {
  const npm = runEntryScript('console.log(process.pid); setInterval(() => {}, 1000)')
  const [printed] = await once(npm.stdout, 'data')
  const pid = Number(printed)
  expect(isAlive(pid)).toBe(true)
  npm.kill('SIGKILL')
  await until(() => !isAlive(pid), { what: 'the program gone', deadlineMs: 20_000 })
})
