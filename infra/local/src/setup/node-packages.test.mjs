import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packagesAreCurrent } from './node-packages.mjs'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-packages-'))
  mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true })
  writeFileSync(join(root, 'node_modules/node/bin/node'), '')
  chmodSync(join(root, 'node_modules/node/bin/node'), 0o755)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** @param {string} file @param {Record<string, object>} packages */
const write = (file, packages) => writeFileSync(join(root, file), JSON.stringify({ packages }))
const wanted = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0', optional: true },
  'node_modules/@millrace/c': { resolved: 'libs/c', link: true },
}
const { '': _root, 'node_modules/b': _optional, ...installed } = wanted

test('a tree with every package of the lock file is current, other platforms aside', () => {
  write('package-lock.json', wanted)
  write('node_modules/.package-lock.json', installed)
  expect(packagesAreCurrent(root)).toBe(true)
})

test('another version, a package too few, a new workspace or no pinned Node is not', () => {
  write('package-lock.json', wanted)
  write('node_modules/.package-lock.json', { ...installed, 'node_modules/a': { version: '1.0.1' } })
  expect(packagesAreCurrent(root)).toBe(false)
  write('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } })
  expect(packagesAreCurrent(root)).toBe(false)
  write('node_modules/.package-lock.json', installed)
  rmSync(join(root, 'node_modules/node/bin/node'))
  expect(packagesAreCurrent(root)).toBe(false)
})

test('an interrupted install leaves no record, and is not current', () => {
  write('package-lock.json', wanted)
  expect(packagesAreCurrent(root)).toBe(false)
})
