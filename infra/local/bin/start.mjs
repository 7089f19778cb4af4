#!/usr/bin/env node
// `npm start`: from a fresh clone to a running stack. Plain JavaScript without dependencies, for Node 20 and up: it runs
// before anything is installed, prepares the clone and hands over to src/up.mjs on the pinned Node 24.
import { fileURLToPath } from 'node:url'
import { NODE } from '../src/paths.mjs'
import { readSettings } from '../src/settings.mjs'
import { readFlags, runEntry } from '../src/setup/entry.mjs'
import { handOver } from '../src/setup/hand-over.mjs'
import { preflight } from '../src/setup/preflight.mjs'
import { Progress } from '../src/setup/progress.mjs'
import { setUp } from '../src/setup/setup.mjs'

const UP = fileURLToPath(new URL('../src/up.mjs', import.meta.url))

await runEntry(async () => {
  const { color } = readFlags(
    process.argv.slice(2),
    'npm start [-- --no-color]: sets up what is missing and runs Kafka, ClickHouse, storage, the relay and the query API here.',
  )
  const progress = new Progress({ color })
  const settings = readSettings()
  await preflight(settings)
  await setUp(progress, { kafka: settings.externalKafka === null })
  return handOver(NODE, [UP, ...(color ? [] : ['--no-color'])])
})
