import { hash } from 'node:crypto'
import type { ClickHouse } from '@millrace/clickhouse'
import { ok } from '@millrace/kernel'
import { dTagOf, kindClass, type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import type { ErasedIds, ServedEvent } from '@millrace/read-models'

/** One tombstone of the store; keys in hex, what a target does not have is 0 or ''. */
export interface TombstoneRow {
  readonly target: 'event' | 'address' | 'pubkey'
  /** The event, or where the floor lies within its second. */
  readonly id: string
  readonly author: string
  readonly kind: number
  readonly d: string
  /** Of the floor, or up to which everything is gone. */
  readonly second: number
  readonly is_request: number
}

const bytes = (names: string) => `arrayMap(x -> toFixedString(unhex(x), 32), {${names}:Array(String)})`

/** Only what reaches one of the given events, so the answer is as bounded as they are. A d of any length goes as its hash. */
const STATEMENT = `
SELECT 'event' AS target, lower(hex(t.event_id)) AS id, lower(hex(t.author)) AS author, toUInt16(0) AS kind, '' AS d,
  toUInt64(0) AS second, t.is_request AS is_request
FROM nostr_store.tombstone_events AS t
WHERE (t.event_id, t.author) IN (SELECT arrayJoin(arrayZip(${bytes('ids')}, ${bytes('authors')})))
UNION ALL
SELECT 'address', lower(hex(floor_id)), lower(hex(pubkey)), kind, d, floor_created_at, toUInt8(0)
FROM nostr_store.tombstone_addresses
WHERE (kind, pubkey) IN (SELECT arrayJoin(arrayZip({kinds:Array(UInt16)}, ${bytes('owners')})))
  AND (kind, pubkey, SHA256(d)) IN (
    SELECT arrayJoin(arrayZip({kinds:Array(UInt16)}, ${bytes('owners')}, ${bytes('hashes')})))
UNION ALL
SELECT 'pubkey', '', lower(hex(pubkey)), toUInt16(0), '', until_s, toUInt8(0)
FROM nostr_store.tombstone_pubkeys
WHERE pubkey IN ${bytes('authors')}`

/** Tells by the store's tombstones which of its rows are erased: the same rules as everywhere, on what concerns them. */
export const storedErasedIds =
  (ch: ClickHouse): ErasedIds =>
  async (rows, signal) => {
    const versioned = rows.filter(({ kind }) => VERSIONED.has(kindClass(kind)))
    const tombstones = await ch.query<TombstoneRow>(STATEMENT, {
      name: 'tombstones',
      params: {
        ids: rows.map(({ id }) => id),
        authors: rows.map(({ pubkey }) => pubkey),
        kinds: versioned.map(({ kind }) => kind),
        owners: versioned.map(({ pubkey }) => pubkey),
        hashes: versioned.map((row) => hash('sha256', dOf(row))),
      },
      signal,
    })
    return tombstones.ok ? ok(erasedAmong(rows, tombstones.value)) : tombstones
  }

const VERSIONED: ReadonlySet<string> = new Set(['replaceable', 'addressable'])

const eventOf = ({ json }: ServedEvent): NostrEvent => JSON.parse(json) as NostrEvent

const dOf = (row: ServedEvent): string => (kindClass(row.kind) === 'addressable' ? dTagOf(eventOf(row)) : '')

/** The ids of the rows that these tombstones erase. */
export function erasedAmong(
  rows: readonly ServedEvent[],
  tombstones: readonly TombstoneRow[],
): ReadonlySet<string> {
  if (tombstones.length === 0) return new Set()
  const set = new TombstoneSet()
  for (const row of tombstones) set.apply(tombstoneOf(row))
  const isErased = (event: NostrEvent) => set.covers(event) || set.isBelowFloor(event)
  return new Set(rows.filter((row) => isErased(eventOf(row))).map(({ id }) => id))
}

/** A row's effect as a tombstone; who asked for it, and when, changes nothing for readers. */
function tombstoneOf({ target, id, author, kind, d, second, is_request }: TombstoneRow): Tombstone {
  const origin = { author, requestId: '', requestCreatedAt: 0, recordedAtMs: 0, floor: null }
  switch (target) {
    case 'event':
      return { ...origin, target: { type: 'event', id }, reason: is_request === 1 ? 'deletion' : 'admin' }
    case 'address':
      // The store keeps every erasure of an address as a floor: what is older than it is gone as well.
      return {
        ...origin,
        target: { type: 'address', kind, pubkey: author, d, untilS: second - 1 },
        floor: { kind, pubkey: author, d, createdAt: second, id },
        reason: 'deletion',
      }
    case 'pubkey':
      return {
        ...origin,
        target: { type: 'pubkey', pubkey: author, untilS: second },
        reason: 'vanish',
      }
  }
}
