import { type ClickHouse, readWatermarks } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { addressKey } from '@millrace/nostr'
import { createEventReader } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import type { EdgeStore, KeySink } from './store.ts'

/** The sink whose watermarks say what the store holds (libs/projections/events). */
const EVENTS_SINK = 'events'

/** Bounds a whole REQ at the pace of its client; each wait for results has a shorter bound (REQ_TIMEOUT_MS). */
const QUERY_TIMEOUT_MS = 120_000

/** Keys per query: bounds the answer, which the client holds in full. */
const KEYS_PER_QUERY = 100_000

/** The store as ClickHouse tables of the projection `events`. */
export function clickHouseStore(ch: ClickHouse, onRefill: () => void): EdgeStore {
  return {
    watermarks: () => readWatermarks(ch, EVENTS_SINK, TOPICS.events),
    reader: (overlay, tombstones) =>
      createEventReader({
        clickhouse: ch,
        overlay,
        tombstones,
        onRefill,
        limits: { queryTimeoutMs: QUERY_TIMEOUT_MS },
      }),
    readKeys: (sink, signal) => readKeys(ch, sink, signal),
  }
}

async function readKeys(ch: ClickHouse, sink: KeySink, signal: AbortSignal): Promise<Result<void>> {
  const ids = await inShards(ch, 'nostr_store.events', 'id', signal, 'lower(hex(id))', ([id]) =>
    sink.addId(String(id)),
  )
  if (!ids.ok) return ids
  const address = 'kind, lower(hex(pubkey)), d'
  return inShards(ch, 'nostr_store.winners', 'pubkey', signal, address, ([kind, pubkey, d]) =>
    sink.addAddress(addressKey(Number(kind), String(pubkey), String(d))),
  )
}

/** Reads columns of a whole table in shards by a hash-like column, so that no answer is large. */
async function inShards(
  ch: ClickHouse,
  table: string,
  shardColumn: string,
  signal: AbortSignal,
  columns: string,
  take: (row: readonly unknown[]) => void,
): Promise<Result<void>> {
  const counted = await ch.query<{ rows: number }>(`SELECT toUInt32(count()) AS rows FROM ${table}`, {
    signal,
    name: 'known_keys',
  })
  if (!counted.ok) return counted
  const shards = Math.ceil((counted.value[0]?.rows ?? 0) / KEYS_PER_QUERY)
  for (let shard = 0; shard < shards; shard++) {
    const rows = await ch.query<readonly unknown[]>(
      `SELECT ${columns} FROM ${table} WHERE reinterpretAsUInt32(${shardColumn}) % {shards:UInt32} = {shard:UInt32}`,
      { params: { shards, shard }, format: 'JSONCompactEachRow', signal, name: 'known_keys' },
    )
    if (!rows.ok) return rows
    for (const row of rows.value) take(row)
  }
  return ok(undefined)
}
