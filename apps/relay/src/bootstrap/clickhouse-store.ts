import { type ClickHouse, readWatermarks } from '@millrace/clickhouse'
import type { Result } from '@millrace/kernel'
import { addressKey } from '@millrace/nostr'
import { createEventReader, findOlderVersions } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import type { EdgeStore, KeySink } from './store.ts'

/** The sink whose watermarks say what the store holds: apps/storage. */
const STORAGE_SINK = 'storage'

/** Bounds a whole REQ at the pace of its client; each wait for results has a shorter bound (REQ_TIMEOUT_MS). */
const QUERY_TIMEOUT_MS = 120_000

/** Longest that a question about one address may take. */
const OLDER_VERSIONS_TIMEOUT_MS = 10_000

/** Longest that reading all keys may take: 100 million of them at a million a second, and some. */
const READ_KEYS_TIMEOUT_MS = 600_000

/** Stored events held in memory: all that REQs ask again, or with a serving view only what lies below its horizon. */
const BODY_CACHE_BYTES = { withoutView: 128 * 1024 * 1024, withView: 16 * 1024 * 1024 } as const

/** The store as ClickHouse tables of the projection `events`. */
export function clickHouseStore(ch: ClickHouse, hasView: boolean, onRefill: () => void): EdgeStore {
  return {
    watermarks: () => readWatermarks(ch, STORAGE_SINK, TOPICS.events),
    reader: (overlay, tombstones) =>
      createEventReader({
        clickhouse: ch,
        overlay,
        tombstones,
        onRefill,
        limits: {
          queryTimeoutMs: QUERY_TIMEOUT_MS,
          bodyCacheBytesMax: hasView ? BODY_CACHE_BYTES.withView : BODY_CACHE_BYTES.withoutView,
        },
      }),
    olderVersions: (address, before) =>
      findOlderVersions(ch, address, before, AbortSignal.timeout(OLDER_VERSIONS_TIMEOUT_MS)),
    readKeys: (sink, signal) => readKeys(ch, sink, signal),
  }
}

async function readKeys(ch: ClickHouse, sink: KeySink, signal: AbortSignal): Promise<Result<void>> {
  const options = {
    signal,
    timeoutMs: READ_KEYS_TIMEOUT_MS,
    settings: { max_execution_time: READ_KEYS_TIMEOUT_MS / 1000 },
    name: 'known_keys',
  }
  const ids = await ch.queryEach<readonly [string]>(
    'SELECT lower(hex(id)) FROM nostr_store.events',
    async (rows) => {
      for (const [id] of rows) sink.addId(id)
    },
    options,
  )
  if (!ids.ok) return ids
  return ch.queryEach<readonly [number, string, string]>(
    'SELECT kind, lower(hex(pubkey)), d FROM nostr_store.winners',
    async (rows) => {
      for (const [kind, pubkey, d] of rows) sink.addAddress(addressKey(kind, pubkey, d))
    },
    options,
  )
}
