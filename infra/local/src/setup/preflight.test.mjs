import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePorts } from '../process/ports.mjs'
import { PORT_VARIABLES, readSettings } from '../settings.mjs'
import { takeLock } from './data-lock.mjs'
import { assertDiskSpace, assertNodeVersion, preflight, stackLock } from './preflight.mjs'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-preflight-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function settingsOnFreePorts() {
  const names = Object.values(PORT_VARIABLES)
  const ports = await freePorts(names.length)
  const env = Object.fromEntries(names.map((name, index) => [name, String(ports[index])]))
  return readSettings({ ...env, MILLRACE_DATA: folder })
}

test('an old Node is refused', () => {
  expect(() => assertNodeVersion('18.19.0')).toThrow('Node 18.19.0 is too old')
  assertNodeVersion('20.0.0')
})

test('a disk without room is refused, with the folder and the way out', () => {
  expect(() => assertDiskSpace(folder, Number.MAX_SAFE_INTEGER)).toThrow(/GiB free.*MILLRACE_DATA/)
  assertDiskSpace(folder, 1)
})

test('a data folder that cannot be made is refused', () => {
  writeFileSync(join(folder, 'file'), '')
  expect(() => assertDiskSpace(join(folder, 'file', 'data'), 1)).toThrow('cannot make the folder')
})

test('a stack that runs on the folder is named', async () => {
  const settings = await settingsOnFreePorts()
  await preflight(settings, {})
  const lock = takeLock(stackLock(folder), { what: 'a stack' })
  await expect(preflight(settings, {})).rejects.toThrow(`already running on ${folder} (pid ${process.pid})`)
  lock.release()
})
