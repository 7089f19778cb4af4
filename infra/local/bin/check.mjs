#!/usr/bin/env node
// `npm run check`: types, lint and format, module boundaries. Sets up what is missing; every check runs even when an
// earlier one failed, so that one run shows all there is to mend.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { NODE, ROOT } from '../src/paths.mjs'
import { readFlags, runEntry } from '../src/setup/entry.mjs'
import { assertNodeVersion } from '../src/setup/preflight.mjs'
import { Progress } from '../src/setup/progress.mjs'
import { setUp } from '../src/setup/setup.mjs'

const MODULES = join(ROOT, 'node_modules')

/** @type {readonly [label: string, script: string, args: readonly string[]][]} */
const CHECKS = [
  ['types (tsc)', 'typescript/bin/tsc', ['-b']],
  [
    'lint and format (biome)',
    '@biomejs/biome/bin/biome',
    ['ci', '.', '--max-diagnostics=50', '--colors=off'],
  ],
  // Without a graph the boundary rule only warns that it "will be skipped".
  ['project graph (nx)', 'nx/dist/bin/nx.js', ['graph', '--file=dist/graph.json']],
  ['module boundaries (eslint)', 'eslint/bin/eslint.js', ['.', '--max-warnings=0']],
]

/** @param {string} script @param {readonly string[]} args @param {boolean} color @returns {Promise<{ code: number | null, output: string }>} */
function runTool(script, args, color) {
  return new Promise((resolve, reject) => {
    const child = spawn(NODE, [join(MODULES, script), ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...(color ? {} : { NO_COLOR: '1' }),
        NX_DAEMON: 'false',
        NX_NO_CLOUD: 'true',
        NX_TUI: 'false',
        DO_NOT_TRACK: '1',
      },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

await runEntry(async () => {
  const { color } = readFlags(
    process.argv.slice(2),
    'npm run check [-- --no-color]: types, lint, format and module boundaries.',
  )
  assertNodeVersion()
  const progress = new Progress({ color })
  await setUp(progress, { kafka: false })
  /** @type {string[]} */
  const failed = []
  for (const [label, script, args] of CHECKS) {
    let output = ''
    const passed = progress.step(label, async () => {
      const result = await runTool(script, args, progress.fancy)
      output = result.output
      if (result.code !== 0 || output.includes('will be skipped')) throw new Error(label)
    })
    await passed.catch(() => {
      failed.push(label)
      progress.line(output.trimEnd())
    })
  }
  if (failed.length > 0) progress.line(`failed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
})
