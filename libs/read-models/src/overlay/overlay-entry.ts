import { addressOf, type NostrEvent } from '@millrace/nostr'
import type { Position } from '../position.ts'

/** One acknowledged event as the log holds it. */
export interface OverlayRecord {
  readonly event: NostrEvent
  /** The event's JSON as it is served. */
  readonly json: string
  readonly partition: number
  readonly offset: number
}

/** An event in the overlay. Sorts by its position. */
export interface OverlayEntry extends Position {
  readonly event: NostrEvent
  readonly json: string
  readonly address: string | null
  readonly partition: number
  /** The highest offset known: compaction may have removed the lower ones before storage read them. */
  readonly offset: number
  /** Counts additions, so that a view ignores what came after it. */
  readonly sequence: number
}

// Measured on Node 24 with the events of a public relay: strings of the event beside its JSON, index slots, objects.
const ENTRY_BYTES_ESTIMATE = 1_200
const TAG_BYTES_ESTIMATE = 250

/** Rough heap use of one entry with its index slots, bytes: the text is there twice, as JSON and in the event. */
export function entryBytes(event: NostrEvent, json: string): number {
  // One character that Latin-1 lacks doubles all of a string.
  const characterBytes = Buffer.byteLength(json) === json.length ? 1 : 2
  return ENTRY_BYTES_ESTIMATE + 2 * characterBytes * json.length + event.tags.length * TAG_BYTES_ESTIMATE
}

export const entryOf = (record: OverlayRecord, sequence: number): OverlayEntry => ({
  createdAt: record.event.created_at,
  id: record.event.id,
  event: record.event,
  json: record.json,
  address: addressOf(record.event),
  partition: record.partition,
  offset: record.offset,
  sequence,
})
