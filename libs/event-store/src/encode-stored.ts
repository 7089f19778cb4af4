import { eventJson, expirationOf, type NostrEvent } from '@millrace/nostr'
import { EXPIRATION_AT, JSON_AT, KIND_AT, OFFSET_AT, PARTITION_AT } from './record-layout.ts'
import { statedExpirationS } from './record-tags.ts'
import { type LogPlace, StoredEvent } from './stored-event.ts'

const UTF8_BYTES_PER_CHARACTER_MAX = 3

let scratch = Buffer.allocUnsafeSlow(256 * 1024)

function scratchFor(bytes: number): Buffer {
  if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * bytes)
  return scratch
}

function writeHead(
  record: Buffer,
  createdAt: number,
  kind: number,
  expirationS: number | null,
  place: LogPlace,
): void {
  record.writeDoubleBE(createdAt, 0)
  record.writeDoubleBE(expirationS ?? 0, EXPIRATION_AT)
  record.writeDoubleBE(place.offset, OFFSET_AT)
  record.writeUInt16BE(place.partition, PARTITION_AT)
  record.writeUInt16BE(kind, KIND_AT)
}

/**
 * The record of an event, in a buffer that the next call overwrites.
 *
 * @param json its seven fields as they are served; written anew where it is not in the form of `eventJson`
 */
export function encodeStored(event: NostrEvent, json: string, place: LogPlace): Buffer {
  const head = `{"id":"${event.id}","pubkey":"${event.pubkey}","created_at":${event.created_at},"kind":${event.kind},"tags":[`
  const text = json.startsWith(head) ? json : eventJson(event)
  const record = scratchFor(JSON_AT + text.length * UTF8_BYTES_PER_CHARACTER_MAX)
  writeHead(record, event.created_at, event.kind, expirationOf(event), place)
  return record.subarray(0, JSON_AT + record.write(text, JSON_AT, 'utf8'))
}

/** What somebody wrote who knows an event only as JSON in the form of `eventJson`. */
export interface WrittenJson {
  /** Where it ends. */
  readonly end: number
  readonly createdAt: number
  readonly kind: number
}

/**
 * A record from JSON that somebody writes to its place, in a buffer that the next record overwrites.
 *
 * @param jsonBytesMax the most bytes that `write` writes
 * @param write writes to a buffer from a place on; null: there is no such event
 */
export function writeStored(
  jsonBytesMax: number,
  write: (into: Buffer, at: number) => WrittenJson | null,
  place: LogPlace,
): StoredEvent | null {
  const record = scratchFor(JSON_AT + jsonBytesMax)
  const written = write(record, JSON_AT)
  if (written === null) return null
  const stored = new StoredEvent(record.subarray(0, written.end))
  writeHead(record, written.createdAt, written.kind, statedExpirationS(stored.record), place)
  return stored
}
