import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../paths.mjs'
import { completeLock, missingOptionals } from './lock-file.mjs'

/** @returns {import('./lock-file.mjs').LockFile} */
const lock = () => JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))

test('the lock file installs from a fresh clone, on every platform: `npm run lock` mends it', () => {
  expect(missingOptionals(lock())).toEqual([])
})

test('the lock file names no registry', () => {
  const urls = Object.values(lock().packages).filter(({ resolved }) => resolved?.includes('://'))
  expect(urls).toEqual([])
})

test('a package left out comes back with the platform that its name tells', () => {
  const packages = {
    'node_modules/a': {
      version: '1.0.0',
      dev: true,
      optionalDependencies: { '@a/linux-x64-musl': '1.0.0', b: '2.0.0' },
    },
    'node_modules/a/node_modules/b': { version: '2.0.0', optional: true },
  }
  expect(missingOptionals({ packages })).toEqual([{ name: '@a/linux-x64-musl', version: '1.0.0', dev: true }])
  expect(completeLock({ packages }).packages['node_modules/@a/linux-x64-musl']).toEqual({
    version: '1.0.0',
    os: ['linux'],
    cpu: ['x64'],
    libc: ['musl'],
    optional: true,
    dev: true,
  })
})
