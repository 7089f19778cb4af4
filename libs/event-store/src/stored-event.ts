import { expirationOf, type NostrEvent } from '@millrace/nostr'

/**
 * A record of the view, all integers big-endian:
 *
 *     0 id (32) · 32 pubkey (32) · 64 created_at (f64) · 72 expiration (f64, 0 = none) · 80 offset in the log (f64)
 *     88 partition (u16) · 90 kind (u16) · 92 bytes of tags (u32) · 96 tags: letter (1), bytes (u32), value … · JSON
 *
 * A created_at reaches 2^53 - 1, which an f64 holds exactly. The tags are those by which filters find events.
 */
const PUBKEY_AT = 32
const CREATED_AT_AT = 64
const EXPIRATION_AT = 72
const OFFSET_AT = 80
const PARTITION_AT = 88
const KIND_AT = 90
const TAG_BYTES_AT = 92
const TAGS_AT = 96
const TAG_HEAD_BYTES = 5

/** Where the log holds an event. */
export interface LogPlace {
  readonly partition: number
  readonly offset: number
}

/** The [letter, first value] pairs by which filters find an event (NIP-01). */
export type IndexedTags = readonly (readonly [letter: string, value: string])[]

/**
 * The record of an event.
 *
 * @param json its seven fields as they are served
 * @param tags its `indexedTags`
 */
export function encodeStored(event: NostrEvent, json: string, place: LogPlace, tags: IndexedTags): Buffer {
  const valueBytes = tags.map(([, value]) => Buffer.byteLength(value))
  const tagBytes = valueBytes.reduce((sum, bytes) => sum + TAG_HEAD_BYTES + bytes, 0)
  const record = Buffer.allocUnsafe(TAGS_AT + tagBytes + Buffer.byteLength(json))
  record.write(event.id, 0, 32, 'hex')
  record.write(event.pubkey, PUBKEY_AT, 32, 'hex')
  record.writeDoubleBE(event.created_at, CREATED_AT_AT)
  record.writeDoubleBE(expirationOf(event) ?? 0, EXPIRATION_AT)
  record.writeDoubleBE(place.offset, OFFSET_AT)
  record.writeUInt16BE(place.partition, PARTITION_AT)
  record.writeUInt16BE(event.kind, KIND_AT)
  record.writeUInt32BE(tagBytes, TAG_BYTES_AT)
  let at = TAGS_AT
  tags.forEach(([letter, value], index) => {
    record.write(letter, at, 1, 'latin1')
    record.writeUInt32BE(valueBytes[index] ?? 0, at + 1)
    at += TAG_HEAD_BYTES
    at += record.write(value, at, 'utf8')
  })
  record.write(json, at, 'utf8')
  return record
}

/** One event of the view, read lazily from its record: what nobody asks for is not decoded. */
export class StoredEvent {
  readonly #record: Buffer
  #id: string | undefined

  /** @param record owned by this object from now on */
  constructor(record: Buffer) {
    this.#record = record
  }

  get id(): string {
    this.#id ??= this.#record.toString('hex', 0, 32)
    return this.#id
  }

  isId(id: Buffer): boolean {
    return this.#record.compare(id, 0, 32, 0, 32) === 0
  }

  get pubkey(): string {
    return this.#record.toString('hex', PUBKEY_AT, PUBKEY_AT + 32)
  }

  get createdAt(): number {
    return this.#record.readDoubleBE(CREATED_AT_AT)
  }

  get kind(): number {
    return this.#record.readUInt16BE(KIND_AT)
  }

  /** Seconds since the Unix epoch; null: never (NIP-40). */
  get expirationS(): number | null {
    return this.#record.readDoubleBE(EXPIRATION_AT) || null
  }

  get partition(): number {
    return this.#record.readUInt16BE(PARTITION_AT)
  }

  get offset(): number {
    return this.#record.readDoubleBE(OFFSET_AT)
  }

  /** The event's seven fields as JSON in UTF-8; not to be changed. */
  get jsonBytes(): Buffer {
    return this.#record.subarray(TAGS_AT + this.#record.readUInt32BE(TAG_BYTES_AT))
  }

  get json(): string {
    return this.#record.toString('utf8', TAGS_AT + this.#record.readUInt32BE(TAG_BYTES_AT))
  }

  get record(): Buffer {
    return this.#record
  }

  /** The whole event. */
  parse(): NostrEvent {
    return JSON.parse(this.json) as NostrEvent
  }

  /** Whether some tag of the letter has one of the values, given as keys of `tagValueKey`. */
  hasTag(letter: string, valueKeys: ReadonlySet<string>): boolean {
    const record = this.#record
    const code = letter.charCodeAt(0)
    const end = TAGS_AT + record.readUInt32BE(TAG_BYTES_AT)
    for (let at = TAGS_AT; at < end; ) {
      const bytes = record.readUInt32BE(at + 1)
      const from = at + TAG_HEAD_BYTES
      if (record[at] === code && valueKeys.has(record.toString('latin1', from, from + bytes))) return true
      at = from + bytes
    }
    return false
  }
}

/** A tag's value as `hasTag` compares it: its UTF-8 read as Latin-1. */
export const tagValueKey = (value: string): string => Buffer.from(value).toString('latin1')
