import { type ClickHouse, createClickHouse, migrate } from '@millrace/clickhouse'
import { err, type Result, transient, unwrap } from '@millrace/kernel'
import type { NostrEvent } from '@millrace/nostr'
import { testClickHouseUrl } from '@millrace/testkit'
import type { AppliedRecord } from '../fold.ts'
import { eventsMigrations } from '../migrations.ts'

const STORE_TABLES = [
  'events',
  'event_tags',
  'event_times',
  'event_authors',
  'winners',
  'winner_repairs',
  'expiring_versions',
  'tombstone_events',
  'tombstone_addresses',
  'tombstone_pubkeys',
  'erasing_ids',
] as const

/** A connection as this user, by default with all rights, to the test server or to the one at `url`. */
export function connect({ username = 'default', url = testClickHouseUrl() } = {}): ClickHouse {
  const user = { username, password: '' }
  const users = { insert: user, req: user, api: user, maintenance: user }
  const role = username === 'default' ? 'maintenance' : 'insert'
  return createClickHouse({ url, caFile: null, users }, role, { queriesConcurrentMax: 4 })
}

export const migrateStore = async (ch: ClickHouse): Promise<void> => {
  unwrap(await migrate(ch, eventsMigrations()))
}

export async function emptyStore(ch: ClickHouse): Promise<void> {
  await onEveryTable(ch, (table) => `TRUNCATE TABLE ${table} SYNC`)
}

/** Merges all parts of every table into one. */
export const mergeStore = (ch: ClickHouse): Promise<void> =>
  onEveryTable(ch, (table) => `OPTIMIZE TABLE ${table} FINAL`)

async function onEveryTable(ch: ClickHouse, statement: (table: string) => string): Promise<void> {
  const done = STORE_TABLES.map((table) => ch.command(statement(`nostr_store.${table}`)))
  for (const result of await Promise.all(done)) unwrap(result)
}

/** Events as one partition of the log holds them, in this order. */
export const recordsOf = (events: readonly NostrEvent[], firstOffset = 0): AppliedRecord[] =>
  events.map((event, index) => ({
    value: {
      event,
      receipt: { receivedAtMs: event.created_at * 1000 + index, source: 'client', edge: `edge-${index % 2}` },
    },
    topic: 'nostr.events.v1',
    partition: 0,
    offset: firstOffset + index,
    appendedAtMs: event.created_at * 1000 + 500,
  }))

export type Crash = 'before the call' | 'after the call'

/** A real connection that breaks at its n-th call (from 0): the statement was not sent, or its answer was lost. */
export function breakingAt(
  ch: ClickHouse,
  callIndex: number,
  crash: Crash,
): ClickHouse & { readonly isBroken: boolean } {
  let calls = 0
  let isBroken = false
  const broken = () => err(transient('clickhouse-unavailable', 'the connection broke'))
  const guarded = async <T>(call: () => Promise<Result<T>>): Promise<Result<T>> => {
    if (isBroken) return broken()
    isBroken = calls++ === callIndex
    if (!isBroken) return call()
    if (crash === 'after the call') await call()
    return broken()
  }
  return {
    role: ch.role,
    queriesWaiting: 0,
    get isBroken() {
      return isBroken
    },
    query: ((sql, options) => guarded(() => ch.query(sql, options))) as ClickHouse['query'],
    queryText: (...args) => guarded(() => ch.queryText(...args)),
    queryEach: ((...args) => guarded(() => ch.queryEach(...args))) as ClickHouse['queryEach'],
    insertRows: (...args) => guarded(() => ch.insertRows(...args)),
    insertBytes: (...args) => guarded(() => ch.insertBytes(...args)),
    command: (...args) => guarded(() => ch.command(...args)),
    ping: () => guarded(() => ch.ping()),
    close: () => ch.close(),
  }
}
