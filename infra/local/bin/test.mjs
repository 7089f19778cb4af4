#!/usr/bin/env node
// `npm test [-- PATH or vitest options]`: sets up what is missing, runs one real Kafka and one real ClickHouse on free
// ports in a temporary folder, gives their addresses to vitest, and leaves nothing behind.
import { fileURLToPath } from 'node:url'
import { NODE } from '../src/paths.mjs'
import { runEntry } from '../src/setup/entry.mjs'
import { handOver } from '../src/setup/hand-over.mjs'
import { assertNodeVersion } from '../src/setup/preflight.mjs'
import { Progress } from '../src/setup/progress.mjs'
import { setUp } from '../src/setup/setup.mjs'

const RUN_TESTS = fileURLToPath(new URL('../src/run-tests.mjs', import.meta.url))

await runEntry(async () => {
  assertNodeVersion()
  await setUp(new Progress({ color: !process.argv.includes('--no-color') }))
  return handOver(NODE, [RUN_TESTS, ...process.argv.slice(2)])
})
