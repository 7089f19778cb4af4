import { unwrap } from '@millrace/kernel'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { type Migration, migrate, platformMigrations } from './migrations.ts'
import { connect } from './testing.ts'

const ch = connect()
const PROJECTION = 'migration_test'

const migration = (number: number, name: string, sql: string): Migration => ({
  projection: PROJECTION,
  number,
  name,
  sql,
})
const FIRST = migration(
  1,
  'first',
  `CREATE TABLE IF NOT EXISTS nostr_store.migration_test (a UInt8) ENGINE = MergeTree ORDER BY a;
   CREATE OR REPLACE VIEW nostr_store.migration_test_view AS SELECT a FROM nostr_store.migration_test;`,
)
const SECOND = migration(
  2,
  'second',
  'ALTER TABLE nostr_store.migration_test ADD COLUMN IF NOT EXISTS b String',
)

beforeEach(async () => {
  unwrap(await migrate(ch, []))
  unwrap(await ch.command('DROP TABLE IF EXISTS nostr_store.migration_test_view SYNC'))
  unwrap(await ch.command('DROP TABLE IF EXISTS nostr_store.migration_test SYNC'))
  unwrap(
    await ch.command(`DELETE FROM nostr_store.migrations WHERE projection_name = '${PROJECTION}'`, {
      settings: { lightweight_deletes_sync: '2' },
    }),
  )
})
afterAll(() => ch.close())

test('migrations are applied once, in order', async () => {
  expect(unwrap(await migrate(ch, [FIRST])).applied).toEqual(['migration_test/0001-first'])
  const again = unwrap(await migrate(ch, [FIRST, SECOND]))
  expect(again).toEqual({
    applied: ['migration_test/0002-second'],
    alreadyApplied: platformMigrations().length + 1,
  })
  expect(unwrap(await ch.query('SELECT a, b FROM nostr_store.migration_test'))).toEqual([])
})

test('two at once end in the same tables', async () => {
  const all = [FIRST, SECOND]
  for (const result of await Promise.all([migrate(ch, all), migrate(ch, all), migrate(ch, all)]))
    unwrap(result)
  expect(unwrap(await migrate(ch, all)).applied).toEqual([])
  expect(unwrap(await ch.query('SELECT a, b FROM nostr_store.migration_test'))).toEqual([])
})

test('a crash between two statements is made good by the next run', async () => {
  const crashing = {
    ...FIRST,
    sql: `${FIRST.sql} CREATE OR REPLACE VIEW nostr_store.broken AS SELECT absent;`,
  }
  expect(await migrate(ch, [crashing])).toMatchObject({ ok: false, fault: { code: 'clickhouse-refused' } })
  expect(unwrap(await migrate(ch, [FIRST])).applied).toHaveLength(1)
})

test('an edited migration is refused, and so is a store that is ahead', async () => {
  unwrap(await migrate(ch, [FIRST, SECOND]))
  const edited = { ...FIRST, sql: `${FIRST.sql} -- edited` }
  expect(await migrate(ch, [edited, SECOND])).toMatchObject({
    ok: false,
    fault: { code: 'migration-mismatch', kind: 'fatal' },
  })
  expect(await migrate(ch, [FIRST])).toMatchObject({ ok: false, fault: { code: 'migration-mismatch' } })
})

test('a statement that cannot be repeated is refused before it runs', async () => {
  const once = migration(1, 'once', 'CREATE TABLE nostr_store.migration_test (a UInt8) ENGINE = Memory')
  expect(await migrate(ch, [once])).toMatchObject({ ok: false, fault: { code: 'migration-mismatch' } })
  expect(unwrap(await ch.query(`EXISTS TABLE nostr_store.migration_test`))).toEqual([{ result: 0 }])
})
