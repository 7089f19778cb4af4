#!/usr/bin/env node
// `npx ctl`: runs apps/ctl on the pinned Node 24, whatever Node npx itself runs on.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../src/operator-error.mjs'
import { dataDirectory, NODE, ROOT } from '../src/paths.mjs'
import { runEntry } from '../src/setup/entry.mjs'
import { handOver } from '../src/setup/hand-over.mjs'

await runEntry(() => {
  if (!existsSync(NODE))
    throw new OperatorError('nothing is installed yet: run `npm start` once (or `npm ci`)')
  // As `npm start` reads it, whatever folder this is called from.
  const env = { ...process.env, MILLRACE_DATA: dataDirectory() }
  return handOver(NODE, [join(ROOT, 'apps/ctl/src/main.ts'), ...process.argv.slice(2)], {
    channel: false,
    env,
  })
})
