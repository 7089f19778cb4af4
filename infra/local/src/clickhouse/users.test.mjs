import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../paths.mjs'
import { accessSql } from './access-sql.mjs'
import { ROLES } from './roles.mjs'
import { serverUsersXml, usersXml } from './users.mjs'

test('a server of its own has the same users: infra/clickhouse/users.xml is what the code writes', () => {
  expect(readFileSync(join(ROOT, 'infra/clickhouse/users.xml'), 'utf8')).toBe(serverUsersXml())
})

test('and so does one that manages users by SQL: infra/clickhouse/access.sql is what the code writes', () => {
  expect(readFileSync(join(ROOT, 'infra/clickhouse/access.sql'), 'utf8')).toBe(accessSql())
})

test('every role has its user, its profile and the pinned settings', () => {
  const xml = usersXml({})
  for (const { name, defaultUser } of ROLES) {
    expect(xml).toContain(`<${defaultUser}><no_password/>`)
    expect(xml).toContain(`<profile>${name}</profile>`)
  }
  expect(xml.match(/<async_insert>0</g)).toHaveLength(ROLES.length + 1)
})

test('two roles with one user, or a name that is none, are refused', () => {
  expect(() => usersXml({ CLICKHOUSE_REQ_USER: 'millrace_api' })).toThrow('millrace_api')
  expect(() => usersXml({ CLICKHOUSE_REQ_USER: 'a><b' })).toThrow('is no name')
  expect(() => usersXml({ CLICKHOUSE_REQ_USER: 'millrace_views' })).toThrow('is given to two roles')
})

test('a password is kept as its hash alone', () => {
  const xml = usersXml({ CLICKHOUSE_ANALYST_PASSWORD: 'sesame' })
  expect(xml).not.toContain('sesame')
  expect(xml).toContain('<analyst><password_sha256_hex>')
})
