import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../../..', import.meta.url).pathname

test('docs/configuration.md and docs/metrics.md say what the code says', () => {
  const run = spawnSync(process.execPath, [join(root, 'docs/generate.mjs'), '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(run.stderr).toBe('')
  expect(run.status).toBe(0)
})
