import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { backoffMs, delayMs, err, fatal, ok, type Result } from '@millrace/kernel'
import type { ClickHouse } from './client.ts'
import { isRepeatable, splitStatements } from './statements.ts'

/** One numbered SQL file of a projection; once applied somewhere it is never edited, only followed by another. */
export interface Migration {
  readonly projection: string
  readonly number: number
  readonly name: string
  readonly sql: string
}

export interface AppliedMigrations {
  /** `projection/0001-name` of what this call applied, in order. */
  readonly applied: readonly string[]
  /** How many were there already. */
  readonly alreadyApplied: number
}

const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/
const ATTEMPTS_MAX = 5

/** The migrations of a folder, in order of number. A file with another name, or a gap, is a programming error. */
export function readMigrations(projection: string, folder: URL): readonly Migration[] {
  const path = fileURLToPath(folder)
  const names = readdirSync(path)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  return names.map((name, index) => {
    const match = FILE_NAME.exec(name)
    if (match?.[1] === undefined || match[2] === undefined || Number(match[1]) !== index + 1)
      throw new Error(`${projection}: migration ${name} must be named ${index + 1} as NNNN-name.sql`)
    return { projection, number: index + 1, name: match[2], sql: readFileSync(`${path}/${name}`, 'utf8') }
  })
}

/** The tables of this library: databases and watermarks. They come before every projection's. */
export const platformMigrations = (): readonly Migration[] =>
  readMigrations('platform', new URL('../tables/', import.meta.url))

const BOOTSTRAP = [
  'CREATE DATABASE IF NOT EXISTS nostr_store',
  `CREATE TABLE IF NOT EXISTS nostr_store.migrations
  (
    projection_name LowCardinality(String),
    number UInt32,
    name String,
    checksum FixedString(64),
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
  )
  ENGINE = MergeTree ORDER BY (projection_name, number)
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
]

/**
 * Brings the store to the given migrations (the platform's come first by themselves). Every statement is repeatable, so a
 * crash in the middle and two callers at once end in the same tables. Faults: migration-mismatch (an applied migration was
 * edited, or the store is newer than this code), clickhouse-unavailable, clickhouse-refused.
 */
export async function migrate(
  ch: ClickHouse,
  migrations: readonly Migration[],
): Promise<Result<AppliedMigrations>> {
  for (const statement of BOOTSTRAP) {
    const made = await ch.command(statement, { name: 'migrate' })
    if (!made.ok) return made
  }
  const all = [...platformMigrations(), ...migrations]
  const known = await readApplied(ch)
  if (!known.ok) return known
  const checked = checkApplied(all, known.value)
  if (!checked.ok) return checked
  const applied: string[] = []
  for (const migration of all) {
    if (known.value.has(keyOf(migration))) continue
    const done = await applyOne(ch, migration)
    if (!done.ok) return done
    applied.push(`${migration.projection}/${fileOf(migration)}`)
  }
  return ok({ applied, alreadyApplied: all.length - applied.length })
}

const keyOf = ({ projection, number }: Pick<Migration, 'projection' | 'number'>): string =>
  `${projection}/${number}`
const fileOf = ({ number, name }: Migration): string => `${String(number).padStart(4, '0')}-${name}`
const checksumOf = (migration: Migration): string => createHash('sha256').update(migration.sql).digest('hex')

interface AppliedRow {
  readonly projection: string
  readonly number: number
  readonly name: string
  readonly checksums: readonly string[]
}

async function readApplied(ch: ClickHouse): Promise<Result<Map<string, AppliedRow>>> {
  const rows = await ch.query<AppliedRow>(
    `SELECT projection_name AS projection, number, any(name) AS name, groupUniqArray(toString(checksum)) AS checksums
     FROM nostr_store.migrations GROUP BY projection_name, number`,
    { name: 'migrate' },
  )
  return rows.ok ? ok(new Map(rows.value.map((row) => [keyOf(row), row]))) : rows
}

function checkApplied(all: readonly Migration[], applied: ReadonlyMap<string, AppliedRow>): Result<void> {
  const projections = new Set(all.map(({ projection }) => projection))
  const byKey = new Map(all.map((migration) => [keyOf(migration), migration]))
  for (const row of applied.values()) {
    if (!projections.has(row.projection)) continue
    const migration = byKey.get(keyOf(row))
    if (migration === undefined)
      return mismatch(
        `${row.projection}/${row.number}-${row.name} was applied by a newer version: update this one`,
      )
    if (row.checksums.some((checksum) => checksum !== checksumOf(migration)))
      return mismatch(
        `${row.projection}/${fileOf(migration)} was edited after it was applied: restore it, add a new one`,
      )
  }
  return ok(undefined)
}

const mismatch = (message: string): Result<never> => err(fatal('migration-mismatch', message))

async function applyOne(ch: ClickHouse, migration: Migration): Promise<Result<void>> {
  for (const statement of splitStatements(migration.sql)) {
    if (!isRepeatable(statement))
      return mismatch(
        `${fileOf(migration)}: not repeatable: ${statement.slice(0, 60).replaceAll(/\s+/g, ' ')}`,
      )
    const done = await runRepeatable(ch, statement)
    if (!done.ok) return done
  }
  const { projection, number, name } = migration
  const row = [projection, number, name, checksumOf(migration)]
  const recorded = await ch.insertRows('nostr_store.migrations (projection_name, number, name, checksum)', [
    row,
  ])
  return recorded.ok ? ok(undefined) : recorded
}

// Another process may be in the middle of the same statement: what was refused then is already done the next time.
async function runRepeatable(ch: ClickHouse, statement: string): Promise<Result<void>> {
  const waits = backoffMs({ initialMs: 50, maxMs: 1_000 })
  for (let attempt = 1; ; attempt += 1) {
    const done = await ch.command(statement, { name: 'migrate' })
    if (done.ok || attempt === ATTEMPTS_MAX) return done
    await delayMs(waits.next().value)
  }
}
