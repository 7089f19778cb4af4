import { type ClickHouse, createClickHouse, migrate, readMigrations } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import { dTagOf, expirationOf, kindClass, type NostrEvent, ownerOf } from '@millrace/nostr'

/** An event with its place in the log. */
export interface Placed {
  readonly event: NostrEvent
  readonly partition: number
  readonly offset: number
}

const TABLES = ['events', 'event_tags', 'event_times', 'event_authors', 'winners']

/** The tables this library reads belong to the projection `events`; a layer above, so only its SQL files are used. */
const tables = () => readMigrations('events', new URL('../../../projections/events/tables/', import.meta.url))

export async function openStore(url: string): Promise<{ reads: ClickHouse; writes: ClickHouse }> {
  const user = { username: 'default', password: '' }
  const config = { url, caFile: null, users: { insert: user, req: user, api: user, maintenance: user } }
  const writes = createClickHouse(config, 'maintenance')
  unwrap(await migrate(writes, tables()))
  return { reads: createClickHouse(config, 'req'), writes }
}

export async function emptyStore(writes: ClickHouse): Promise<void> {
  for (const table of TABLES) unwrap(await writes.command(`TRUNCATE TABLE nostr_store.${table} SYNC`))
}

/** Brings every table to the state after all merges. */
export async function mergeStore(writes: ClickHouse): Promise<void> {
  for (const table of TABLES) unwrap(await writes.command(`OPTIMIZE TABLE nostr_store.${table} FINAL`))
}

const COLUMNS =
  'id, pubkey, created_at, kind, d, owner, expiration, tags, content, sig, received_at, source, edge, log_partition, log_offset, appended_at'

const INSERT = `INSERT INTO nostr_store.events (${COLUMNS})
SELECT unhex(id), unhex(pubkey), created_at, kind, d, unhex(owner), expiration, tags, content, unhex(sig), now64(3),
  'client', 'edge-1', log_partition, log_offset, now64(3)
FROM input('id String, pubkey String, created_at UInt64, kind UInt16, d String, owner String, expiration UInt64,
  tags Array(Array(String)), content String, sig String, log_partition UInt32, log_offset UInt64')`

/** Writes rows as the sink does: the dependent tables follow by themselves. */
export async function storeEvents(writes: ClickHouse, placed: readonly Placed[]): Promise<void> {
  const rows = placed.map(({ event, partition, offset }) => [
    event.id,
    event.pubkey,
    event.created_at,
    event.kind,
    kindClass(event.kind) === 'addressable' ? dTagOf(event) : '',
    unwrap(ownerOf(event)),
    expirationOf(event) ?? 0,
    event.tags,
    event.content,
    event.sig,
    partition,
    offset,
  ])
  unwrap(await writes.insertRows(INSERT, rows))
}
