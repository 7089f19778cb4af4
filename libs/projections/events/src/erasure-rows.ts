import { type ClickHouse, RowBinaryWriter } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import type { ErasureRows } from './erasures.ts'

const INSERT_EVENTS = `INSERT INTO nostr_store.tombstone_events
  (event_id, author, is_request, reason, request_id, recorded_at) FORMAT RowBinary`
const INSERT_ADDRESSES = `INSERT INTO nostr_store.tombstone_addresses
  (kind, pubkey, d, floor_created_at, floor_id, reason, request_id, recorded_at) FORMAT RowBinary`
const INSERT_PUBKEYS = `INSERT INTO nostr_store.tombstone_pubkeys
  (pubkey, until_s, reason, request_id, recorded_at) FORMAT RowBinary`

/**
 * Writes erasures, floors first: an erased winner is never shown again, and with its floor in place no older version of
 * its address takes its turn meanwhile.
 */
export async function writeErasures(ch: ClickHouse, rows: ErasureRows): Promise<Result<void>> {
  const addresses = encode(rows.addresses, (to, row) => {
    to.uint16(row.kind)
    to.fixedHex(row.pubkey, 32)
    to.string(row.d)
    to.uint64(row.floorCreatedAt)
    to.fixedHex(row.floorId, 32)
  })
  const pubkeys = encode(rows.pubkeys, (to, row) => {
    to.fixedHex(row.pubkey, 32)
    to.uint64(row.untilS)
  })
  const events = encode(rows.events, (to, row) => {
    to.fixedHex(row.eventId, 32)
    to.fixedHex(row.author, 32)
    to.uint8(row.isRequest ? 1 : 0)
  })
  for (const [insert, body] of [
    [INSERT_ADDRESSES, addresses],
    [INSERT_PUBKEYS, pubkeys],
    [INSERT_EVENTS, events],
  ] as const) {
    if (body.length === 0) continue
    const inserted = await ch.insertBytes(insert, body, { name: 'tombstones_insert' })
    if (!inserted.ok) return inserted
  }
  return ok(undefined)
}

interface Origin {
  readonly reason: string
  readonly requestId: string
  readonly recordedAtMs: number
}

function encode<T extends Origin>(rows: readonly T[], key: (to: RowBinaryWriter, row: T) => void): Buffer {
  const to = new RowBinaryWriter()
  for (const row of rows) {
    key(to, row)
    to.string(row.reason)
    to.fixedHex(row.requestId, 32)
    to.uint64(row.recordedAtMs)
  }
  return to.bytes()
}
