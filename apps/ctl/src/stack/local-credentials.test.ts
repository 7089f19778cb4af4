import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { localCredentials } from './local-credentials.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-ctl-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

const keep = (text: string) => writeFileSync(join(dataDir, 'clickhouse-users.json'), text)

test('what the environment leaves unset comes from the data folder', () => {
  keep('{"CLICKHOUSE_MAINTENANCE_USER":"keeper","CLICKHOUSE_REQ_PASSWORD":"kept"}')
  expect(localCredentials({ CLICKHOUSE_REQ_PASSWORD: '' }, dataDir)).toEqual({
    CLICKHOUSE_MAINTENANCE_USER: 'keeper',
    CLICKHOUSE_REQ_PASSWORD: 'kept',
  })
  expect(localCredentials({ CLICKHOUSE_REQ_PASSWORD: 'given' }, dataDir)).toEqual({
    CLICKHOUSE_MAINTENANCE_USER: 'keeper',
  })
})

test('passwords of the local server are sent to no other', () => {
  keep('{"CLICKHOUSE_REQ_PASSWORD":"kept"}')
  expect(localCredentials({ CLICKHOUSE_URL: 'https://clickhouse.example' }, dataDir)).toEqual({})
})

test('a folder without a stack has none, a broken file is told by its name', () => {
  expect(localCredentials({}, dataDir)).toEqual({})
  keep('{')
  expect(() => localCredentials({}, dataDir)).toThrow('passwords of the local ClickHouse')
})
