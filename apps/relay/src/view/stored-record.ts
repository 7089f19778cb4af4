import { transcodedBytesMax, transcodeEnvelope } from '@millrace/codec'
import { type LoggedEvent, type StoredEvent, writeStored } from '@millrace/event-store'
import type { LogRecord } from '@millrace/kafka'
import { eventJson, isGiftWrap, kindClass } from '@millrace/nostr'
import { isTickKey, partitionOfOwner } from '@millrace/topics'
import { readEventRecord } from '../live/event-records.ts'

/**
 * The event of a record of nostr.events as the view takes it, in memory that the next one overwrites; null for what
 * `readEventRecord` has no event for, which the live reader reports.
 */
export function readStoredRecord(
  record: LogRecord,
  partitionCount: number,
): LoggedEvent | StoredEvent | null {
  const { key, value, partition } = record
  if (value === null || isTickKey(key)) return null
  const write = (into: Buffer, at: number) => transcodeEnvelope(value, into, at)
  const stored = writeStored(transcodedBytesMax(value), write, record)
  // The owner of a gift wrap is in its tags; and what cannot be transcoded may still be read.
  if (stored === null || isGiftWrap(stored.kind)) return decoded(record, partitionCount)
  if (kindClass(stored.kind) === 'ephemeral') return null
  return partitionOfOwner(stored.pubkey, partitionCount) === partition ? stored : null
}

function decoded(record: LogRecord, partitionCount: number): LoggedEvent | null {
  const event = readEventRecord(record, partitionCount, false)
  if (!event.ok || event.value === null) return null
  const { partition, offset } = record
  return { event: event.value, json: eventJson(event.value), partition, offset }
}
