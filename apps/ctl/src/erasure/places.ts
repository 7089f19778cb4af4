import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClickHouse } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import { catalogue, DEFAULT_TOPIC_OPTIONS } from '@millrace/topics'

/** Files and folders of the data folder that hold no event: keys, passwords, sockets, compiled code and jars. */
const WITHOUT_EVENTS: ReadonlySet<string> = new Set([
  'cache',
  'clickhouse-users.json',
  'edges.json',
  'node-cache',
  'relay-secret.key',
  'run',
  'lock',
  'stack.lock',
])
/** Looked through as topics and tables. */
const SERVERS: ReadonlySet<string> = new Set(['kafka', 'clickhouse'])
const PARTITION_FOLDER = /^(.+)-\d+(?:\.[^/]+-(?:delete|future|stray))?$/

/** The log directories that are on this machine: those named, or the local stack's. */
export function logDirsOf(dataDir: string, named: readonly string[]): readonly string[] {
  if (named.length > 0) return named
  const own = join(dataDir, 'kafka', 'log')
  return existsSync(own) ? [own] : []
}

/** Everything found that may hold event data: topics, tables, folders. */
export async function placesOf(
  dataDir: string,
  logDirs: readonly string[],
  ch: ClickHouse,
): Promise<readonly string[]> {
  const topics = new Set(catalogue(DEFAULT_TOPIC_OPTIONS).map(({ name }) => name))
  for (const logDir of logDirs)
    for (const folder of await readdir(logDir).catch(() => [])) {
      const topic = PARTITION_FOLDER.exec(folder)?.[1]
      if (topic !== undefined) topics.add(topic)
    }
  const tables = unwrap(
    await ch.query<{ name: string }>(
      `SELECT concat(database, '.', name) AS name FROM system.tables
       WHERE database IN ('nostr_store', 'nostr') AND engine NOT IN ('View', 'MaterializedView')`,
      { params: {}, name: 'erasure_places' },
    ),
  )
  const entries = await readdir(dataDir).catch(() => [])
  const folders = entries.filter((name) => !WITHOUT_EVENTS.has(name) && !SERVERS.has(name))
  return [
    ...[...topics].sort().map((name) => `topic:${name}`),
    ...tables.map(({ name }) => `table:${name}`),
    ...folders.sort().map((name) => `folder:${name}`),
  ]
}
