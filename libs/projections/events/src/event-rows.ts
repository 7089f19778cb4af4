import { RowBinaryWriter } from '@millrace/clickhouse'
import type { EventRow } from './fold.ts'

/** The columns in the order in which `writeEventRow` writes them. */
export const INSERT_EVENTS = `INSERT INTO nostr_store.events (id, pubkey, created_at, kind, d, owner, expiration, tags, content,
  sig, received_at, source, edge, log_partition, log_offset, appended_at) FORMAT RowBinary`

export function writeEventRow(to: RowBinaryWriter, row: EventRow): void {
  const { event } = row
  to.fixedHex(event.id, 32)
  to.fixedHex(event.pubkey, 32)
  to.uint64(event.created_at)
  to.uint16(event.kind)
  to.string(row.d)
  to.fixedHex(row.owner, 32)
  to.uint64(row.expirationS)
  to.size(event.tags.length)
  for (const tag of event.tags) {
    to.size(tag.length)
    for (const item of tag) to.string(item)
  }
  to.string(event.content)
  to.fixedHex(event.sig, 64)
  to.uint64(row.receivedAtMs)
  to.string(row.source)
  to.string(row.edge)
  to.uint32(row.logPartition)
  to.uint64(row.logOffset)
  to.uint64(row.appendedAtMs)
}

/** Rows as RowBinary bodies of at most `bodyBytesMax` each, one row at least. */
export function* eventBodies(rows: readonly EventRow[], bodyBytesMax: number): Generator<Buffer> {
  let writer = new RowBinaryWriter()
  for (const row of rows) {
    writeEventRow(writer, row)
    if (writer.length < bodyBytesMax) continue
    yield writer.bytes()
    writer = new RowBinaryWriter()
  }
  if (writer.length > 0) yield writer.bytes()
}
