import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { httpCall } from '../process/http.mjs'
import { freePorts } from '../process/ports.mjs'
import { accessSql } from './access-sql.mjs'
import { startClickHouse } from './launch.mjs'
import { ROLES } from './roles.mjs'

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-clickhouse-'))
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

/** @param {NodeJS.ProcessEnv} [env] */
async function start(env = {}) {
  const [httpPort = 0, tcpPort = 0] = await freePorts(2)
  return startClickHouse({ dataDir, httpPort, tcpPort, env })
}

/**
 * @param {string} url @param {string} sql @param {string} [user] @param {string} [password]
 * @returns {Promise<string>} the answer, or the server's refusal
 */
async function ask(url, sql, user = 'default', password = '') {
  const query = new URLSearchParams({ user, password, query: sql })
  return (await httpCall({ url: `${url}/?${query}`, method: 'POST', timeoutMs: 10_000 })).text.trim()
}

const ACCESS_DENIED = /ACCESS_DENIED/

test('rows survive a stop and a kill, also on other ports', async () => {
  const first = await start()
  await ask(first.url, 'CREATE DATABASE nostr_store')
  await ask(first.url, 'CREATE DATABASE nostr')
  await ask(first.url, 'CREATE TABLE nostr_store.t (a Int32) ENGINE = MergeTree ORDER BY a')
  await ask(
    first.url,
    'CREATE VIEW nostr.t DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT a FROM nostr_store.t',
  )
  await ask(first.url, 'INSERT INTO nostr_store.t VALUES (1)')
  expect((await first.stop()).code).toBe(0)
  const second = await start()
  await ask(second.url, 'INSERT INTO nostr_store.t VALUES (2)', 'millrace_insert')
  expect((await second.kill()).signal).toBe('SIGKILL')
  const third = await start()
  expect(await ask(third.url, 'SELECT sum(a) FROM nostr_store.t', 'millrace_req')).toBe('3')
  await third.stop()
}, 60_000)

test('each user may do its work and no more', async () => {
  const server = await start()
  const { url } = server
  expect(await ask(url, 'SELECT sum(a) FROM nostr.t', 'analyst')).toBe('3')
  for (const forbidden of [
    'SELECT * FROM nostr_store.t',
    'INSERT INTO nostr_store.t VALUES (9)',
    "SELECT * FROM file('/etc/passwd', 'LineAsString', 'x String')",
    "SELECT * FROM url('http://127.0.0.1:1', 'LineAsString', 'x String')",
    'CREATE TABLE nostr.mine (a Int32) ENGINE = Memory',
    'DROP VIEW nostr.t',
  ])
    expect(await ask(url, forbidden, 'analyst'), forbidden).toMatch(/ACCESS_DENIED|READONLY/)
  expect(await ask(url, 'SHOW DATABASES', 'analyst')).not.toContain('nostr_store')
  for (const reader of ['millrace_req', 'millrace_api', 'analyst'])
    expect(await ask(url, 'INSERT INTO nostr_store.t VALUES (9)', reader), reader).toMatch(
      /ACCESS_DENIED|READONLY/,
    )
  expect(await ask(url, 'DROP TABLE nostr_store.t', 'millrace_insert')).toMatch(ACCESS_DENIED)
  expect(await ask(url, 'SELECT 1 SETTINGS max_threads = 64', 'analyst')).toMatch(
    /SETTING_CONSTRAINT_VIOLATION/,
  )
  expect(await ask(url, 'SELECT 1 SETTINGS max_threads = 1', 'analyst')).toBe('1')
  await server.stop()
}, 60_000)

test('nobody is the definer of the views', async () => {
  const server = await start()
  expect(await ask(server.url, 'SELECT 1', 'millrace_views')).toContain('Authentication failed')
  await server.stop()
}, 60_000)

test('every statement of access.sql is one that the server understands', async () => {
  const server = await start()
  const statements = accessSql()
    .replaceAll(/^--.*$/gm, '')
    .split(';\n')
    .filter((statement) => statement.trim() !== '')
  expect(statements.length).toBeGreaterThan(ROLES.length * 5)
  for (const statement of statements) {
    const quoted = statement.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
    expect(await ask(server.url, `SELECT length(formatQuerySingleLine('${quoted}'))`), statement).toMatch(
      /^\d+$/,
    )
  }
  await server.stop()
}, 60_000)

test('what changing defaults could break is pinned', async () => {
  const server = await start()
  const pinned =
    "SELECT name || '=' || value FROM system.settings WHERE name IN ('async_insert', 'insert_deduplicate') ORDER BY name"
  for (const user of ['default', 'millrace_insert'])
    expect(await ask(server.url, pinned, user), user).toBe('async_insert=0\ninsert_deduplicate=0')
  await server.stop()
}, 60_000)

test('passwords come from the environment and are kept as hashes in a private file', async () => {
  const env = {
    CLICKHOUSE_ANALYST_PASSWORD: 'sesame',
    CLICKHOUSE_MAINTENANCE_USER: 'keeper',
    CLICKHOUSE_MAINTENANCE_PASSWORD: 'secret',
  }
  const server = await start(env)
  expect(await ask(server.url, 'SELECT 1', 'analyst')).toContain('Authentication failed')
  expect(await ask(server.url, 'SELECT 1', 'analyst', 'sesame')).toBe('1')
  expect(await ask(server.url, 'SELECT currentUser()', 'keeper', 'secret')).toBe('keeper')
  // The session that keeps the server up is the only one this user may have.
  for (const sql of [
    'SELECT 1',
    'SHOW TABLES',
    'SYSTEM STOP LISTEN HTTP',
    'SELECT 1 SETTINGS max_sessions_for_user = 9',
  ])
    expect(await ask(server.url, sql, 'default'), sql).toContain('USER_SESSION_LIMIT_EXCEEDED')
  expect(statSync(join(dataDir, 'users.xml')).mode & 0o077).toBe(0)
  await server.stop()
  await expect(start({ CLICKHOUSE_MAINTENANCE_PASSWORD: 'secret' })).rejects.toThrow(
    'CLICKHOUSE_MAINTENANCE_USER',
  )
}, 60_000)
