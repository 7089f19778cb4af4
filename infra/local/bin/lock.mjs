#!/usr/bin/env node
// `npm run lock`: brings package-lock.json in step with the package.json files, and adds the optional packages of other
// platforms that the registry asked does not carry. Run it after a change of dependencies.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../src/paths.mjs'
import { completeLock, missingOptionals } from '../src/setup/lock-file.mjs'

const file = join(ROOT, 'package-lock.json')
execFileSync('npm', ['install', '--package-lock-only', '--no-progress', '--loglevel=error'], {
  cwd: ROOT,
  stdio: 'inherit',
})
const lock = JSON.parse(readFileSync(file, 'utf8'))
const missing = missingOptionals(lock)
writeFileSync(file, `${JSON.stringify(completeLock(lock), null, 2)}\n`)
console.log(`package-lock.json is in step; ${missing.length} optional packages added`)
