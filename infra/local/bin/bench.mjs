#!/usr/bin/env node
// `npm run bench`: sets up what is missing and runs apps/bench on the pinned Node 24.
import { join } from 'node:path'
import { NODE, ROOT } from '../src/paths.mjs'
import { runEntry } from '../src/setup/entry.mjs'
import { handOver } from '../src/setup/hand-over.mjs'
import { assertNodeVersion } from '../src/setup/preflight.mjs'
import { Progress } from '../src/setup/progress.mjs'
import { setUp } from '../src/setup/setup.mjs'

await runEntry(async () => {
  assertNodeVersion()
  await setUp(new Progress({ color: !process.argv.includes('--no-color') }))
  return handOver(NODE, [join(ROOT, 'apps/bench/src/main.ts'), ...process.argv.slice(2)], { channel: false })
})
