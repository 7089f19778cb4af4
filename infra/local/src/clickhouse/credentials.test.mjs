import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { credentialsFile, withCredentials } from './credentials.mjs'
import { usersXml } from './users.mjs'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-credentials-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

test('every service gets a password of its own, the same at the next start', () => {
  const first = withCredentials(dataDir, {})
  const passwords = ['MAINTENANCE', 'INSERT', 'REQ', 'API'].map(
    (role) => first[`CLICKHOUSE_${role}_PASSWORD`],
  )
  expect(new Set(passwords).size).toBe(4)
  for (const password of passwords) expect(password).toMatch(/^[0-9a-f]{48}$/)
  expect(first['CLICKHOUSE_MAINTENANCE_USER']).toBe('millrace_maintenance')
  expect(withCredentials(dataDir, {})).toEqual(first)
})

test('only its owner reads the file, and it keeps no password that was given', () => {
  const env = withCredentials(dataDir, { CLICKHOUSE_REQ_PASSWORD: 'sesame' })
  expect(env['CLICKHOUSE_REQ_PASSWORD']).toBe('sesame')
  expect(statSync(credentialsFile(dataDir)).mode & 0o777).toBe(0o600)
  expect(readFileSync(credentialsFile(dataDir), 'utf8')).not.toContain('sesame')
})

test('with them nobody but the analyst gets in without a password', () => {
  const xml = usersXml(withCredentials(dataDir, {}))
  const open = [...xml.matchAll(/<(\w+)><no_password\/>/g)].map(([, name]) => name)
  // The session of the embedded server, which is taken, and the definer of the views, which no network reaches.
  expect(open).toEqual(['analyst', 'default', 'millrace_views'])
})

test('a file that is none is refused by its name', () => {
  writeFileSync(credentialsFile(dataDir), 'no JSON')
  expect(() => withCredentials(dataDir, {})).toThrow('clickhouse-users.json')
})
