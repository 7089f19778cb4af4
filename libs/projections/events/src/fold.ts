import { err, invalid, ok, type Result } from '@millrace/kernel'
import { dTagOf, type Envelope, expirationOf, kindClass, type NostrEvent, ownerOf } from '@millrace/nostr'
import type { Positioned } from '@millrace/pipeline'

/** One record of nostr.events with its place in the log. */
export type AppliedRecord = Positioned<Envelope>

/** One row of nostr_store.events; the tables beside it follow from it in the store. */
export interface EventRow {
  readonly event: NostrEvent
  /** The `d` of its address: '' unless the kind is addressable. */
  readonly d: string
  readonly owner: string
  /** Seconds since the Unix epoch, 0 = never (NIP-40). */
  readonly expirationS: number
  readonly receivedAtMs: number
  readonly source: Envelope['receipt']['source']
  readonly edge: string
  readonly logPartition: number
  readonly logOffset: number
  readonly appendedAtMs: number
}

/**
 * A record → its row, from nothing but the record: the same record always gives the same row. Faults: event-kind-refused
 * (ephemeral events are never stored), event-owner-missing (a gift wrap without a recipient).
 */
export function foldEvent({ value, partition, offset, appendedAtMs }: AppliedRecord): Result<EventRow> {
  const { event, receipt } = value
  const kinds = kindClass(event.kind)
  if (kinds === 'ephemeral') return err(invalid('event-kind-refused', 'ephemeral events are never stored'))
  const owner = ownerOf(event)
  if (!owner.ok) return owner
  return ok({
    event,
    d: kinds === 'addressable' ? dTagOf(event) : '',
    owner: owner.value,
    expirationS: expirationColumn(event),
    receivedAtMs: receipt.receivedAtMs,
    source: receipt.source,
    edge: receipt.edge,
    logPartition: partition,
    logOffset: offset,
    appendedAtMs,
  })
}

// 0 stands for never, so an expiration at 0 is written as 1: both passed long ago.
function expirationColumn(event: NostrEvent): number {
  const expirationS = expirationOf(event)
  return expirationS === null ? 0 : Math.max(expirationS, 1)
}
