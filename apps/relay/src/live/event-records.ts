import { decodeEnvelope } from '@millrace/codec'
import type { LogRecord } from '@millrace/kafka'
import { invalid, type Result } from '@millrace/kernel'
import { kindClass, type NostrEvent, ownerOf } from '@millrace/nostr'
import { isTickKey, partitionOfOwner } from '@millrace/topics'

/**
 * The event of a record of nostr.events or nostr.ephemeral; null for housekeeping: a null value (erased) or a tick.
 * Faults: record-undecodable, schema-unknown, record-wrong-partition, event-kind-refused (an ephemeral event in the topic that
 * is kept, or the reverse). Dead letters are storage's business; an edge passes over such records.
 */
export function readEventRecord(
  record: LogRecord,
  partitionCount: number,
  isEphemeralTopic: boolean,
): Result<NostrEvent | null> {
  if (record.value === null || isTickKey(record.key)) return { ok: true, value: null }
  const envelope = decodeEnvelope(record.value)
  if (!envelope.ok) return envelope
  const { event } = envelope.value
  const owner = ownerOf(event)
  if (!owner.ok) return owner
  if (partitionOfOwner(owner.value, partitionCount) !== record.partition)
    return {
      ok: false,
      fault: invalid('record-wrong-partition', 'the record is not in the partition of its owner'),
    }
  if ((kindClass(event.kind) === 'ephemeral') !== isEphemeralTopic)
    return {
      ok: false,
      fault: invalid('event-kind-refused', `kind ${event.kind} does not belong into the topic`),
    }
  return { ok: true, value: event }
}
