import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makePrivateFolders } from './private-folders.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-folders-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const modeOf = (/** @type {string[]} */ ...path) => statSync(join(folder, ...path)).mode & 0o777

test('a new data folder is open to its owner alone', () => {
  makePrivateFolders(join(folder, 'data'))
  expect([modeOf('data'), modeOf('data', 'kafka'), modeOf('data', 'run')]).toEqual([0o700, 0o700, 0o700])
})

test('an older one is closed inside, and any folder that was there stays as it is', () => {
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'kafka'), { mode: 0o755 })
  makePrivateFolders(folder)
  expect([modeOf(), modeOf('kafka')]).toEqual([0o755, 0o700])
})
