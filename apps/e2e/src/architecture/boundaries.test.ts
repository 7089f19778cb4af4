import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'

const root = new URL('../../../..', import.meta.url).pathname
const env = { ...process.env, NX_DAEMON: 'false', FORCE_COLOR: '0' }
const nx = join(root, 'node_modules/nx/dist/bin/nx.js')
const eslint = join(root, 'node_modules/eslint/bin/eslint.js')

/** Lints a text as if it stood in that file. */
function lint(file: string, text: string): { status: number | null; output: string } {
  const run = spawnSync(process.execPath, [eslint, '--stdin', '--stdin-filename', file], {
    cwd: root,
    env,
    input: text,
    encoding: 'utf8',
  })
  return { status: run.status, output: run.stdout + run.stderr }
}

// Without a project graph the rule only warns that it "will be skipped": build the graph first.
beforeAll(() => {
  spawnSync(process.execPath, [nx, 'show', 'projects'], { cwd: root, env, stdio: 'pipe' })
})

const violations = [
  ['an app imports an app', 'apps/storage/src/main.ts', '@millrace/relay'],
  ['the kernel imports the platform', 'libs/kernel/src/index.ts', '@millrace/codec'],
  ['a product source imports the testkit', 'apps/storage/src/main.ts', '@millrace/testkit'],
  ['the platform imports a projection', 'libs/read-models/src/index.ts', '@millrace/projection-events'],
] as const

test.each(violations)('canary: %s, and the lint fails', (_what, file, target) => {
  const { status, output } = lint(file, `import * as canary from '${target}'\nexport default canary\n`)
  expect(output).toContain('@nx/enforce-module-boundaries')
  expect(output).not.toContain('will be skipped')
  expect(status).toBe(1)
})

test('an allowed import passes', () => {
  const { status, output } = lint('libs/codec/src/index.ts', `export * from '@millrace/kernel'\n`)
  expect(output).not.toContain('error')
  expect(status).toBe(0)
})
