import { type ClickHouse, createClickHouse, migrate } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import type { NostrEvent, Tombstone } from '@millrace/nostr'
import { testClickHouseUrl } from '@millrace/testkit'
import type { AppliedRecord } from './fold.ts'
import { eventsMigrations } from './migrations.ts'

export const STORE_TABLES = [
  'events',
  'event_tags',
  'event_times',
  'winners',
  'winner_repairs',
  'tombstone_events',
  'tombstone_addresses',
  'tombstone_pubkeys',
] as const

const config = (username: string) => {
  const user = { username, password: '' }
  return {
    url: testClickHouseUrl(),
    caFile: null,
    users: { insert: user, req: user, api: user, maintenance: user },
  }
}

export const connect = (username = 'default'): ClickHouse => createClickHouse(config(username), 'maintenance')

/** Empty tables of this projection on the test server. */
export async function emptyStore(ch: ClickHouse): Promise<void> {
  unwrap(await migrate(ch, eventsMigrations()))
  for (const table of STORE_TABLES) unwrap(await ch.command(`TRUNCATE TABLE nostr_store.${table} SYNC`))
}

export async function rowsOf<T>(ch: ClickHouse, sql: string): Promise<T[]> {
  return unwrap(await ch.query<T>(sql))
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

export const eventErasure = (event: NostrEvent, changes: Partial<Tombstone> = {}): Tombstone => ({
  author: event.pubkey,
  requestId: 'f'.repeat(64),
  requestCreatedAt: event.created_at,
  target: { type: 'event', id: event.id },
  floor: null,
  reason: 'deletion',
  recordedAtMs: event.created_at * 1000,
  ...changes,
})
