import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.mjs'
import { NODE, ROOT } from '../paths.mjs'

/** @typedef {Record<string, { version?: string, resolved?: string, optional?: boolean }>} Packages */

const LINES_SHOWN_MAX = 15

/** @param {string} file @returns {Packages} */
const readPackages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages

/**
 * Whether node_modules holds what package-lock.json asks for. npm keeps its own record of the tree and writes it last,
 * so an interrupted install has none.
 * @param {string} [root]
 */
export function packagesAreCurrent(root = ROOT) {
  try {
    accessSync(join(root, 'node_modules/node/bin/node'), constants.X_OK)
    const wanted = readPackages(join(root, 'package-lock.json'))
    const installed = readPackages(join(root, 'node_modules/.package-lock.json'))
    return Object.entries(wanted).every(([path, { version, resolved, optional }]) => {
      const have = installed[path]
      // The root is in no record of its own; packages for other platforms are optional and stay out.
      if (path === '' || (have === undefined && optional === true)) return true
      return have !== undefined && have.version === version && (!resolved || have.resolved === resolved)
    })
  } catch {
    return false
  }
}

/**
 * `npm ci`; throws OperatorError with npm's own words.
 * @param {import('./progress.mjs').StepContext} context
 */
export async function installPackages({ detail }) {
  detail('npm ci')
  const npm = process.env['npm_execpath']
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const { code, lines } = await runNpm(command, [...args, 'ci', '--no-progress', '--loglevel=error'])
  if (code !== 0) throw new OperatorError(`npm ci failed:\n  ${lines.slice(0, LINES_SHOWN_MAX).join('\n  ')}`)
  try {
    accessSync(NODE, constants.X_OK)
  } catch {
    throw new OperatorError(
      'npm ci did not install the pinned Node: npm must be allowed to run install scripts (npm config get ignore-scripts)',
    )
  }
}

/** @param {string} command @param {string[]} args @returns {Promise<{ code: number | null, lines: string[] }>} */
function runNpm(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text = (text + chunk).slice(-64 * 1024)
      })
    child.once('error', (error) => resolve({ code: 127, lines: [error.message] }))
    child.once('close', (code) => resolve({ code, lines: text.split('\n').filter((line) => line !== '') }))
  })
}
