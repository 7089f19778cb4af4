import { eventJson, expirationOf, type NostrEvent } from '@millrace/nostr'
import { type Keep, ownCopy } from './arena.ts'
import { readF64 } from './numbers.ts'

/**
 * A record of the view, all integers big-endian:
 *
 *     0 created_at (f64) · 8 expiration (f64, 0 = none) · 16 offset in the log (f64) · 24 partition (u16) · 26 kind (u16) · 28 JSON
 *
 * A created_at reaches 2^53 - 1, which an f64 holds exactly. The JSON is as `eventJson` writes it, so that id, pubkey and tags
 * are found in it and are not kept twice.
 */
const EXPIRATION_AT = 8
const OFFSET_AT = 16
const PARTITION_AT = 24
const KIND_AT = 26
const JSON_AT = 28
const ID_AT = JSON_AT + '{"id":"'.length
const PUBKEY_AT = ID_AT + 64 + '","pubkey":"'.length
const CREATED_AT_DIGITS_AT = PUBKEY_AT + 64 + '","created_at":'.length
const KIND_NAME_BYTES = ',"kind":'.length
const TAGS_NAME_BYTES = ',"tags":['.length
const UTF8_BYTES_PER_CHARACTER_MAX = 3

const [QUOTE, COMMA, OPEN, CLOSE, BACKSLASH] = [0x22, 0x2c, 0x5b, 0x5d, 0x5c] as const

/** Where the log holds an event. */
export interface LogPlace {
  readonly partition: number
  readonly offset: number
}

let scratch = Buffer.allocUnsafeSlow(256 * 1024)

/**
 * The record of an event, in a buffer that the next call overwrites.
 *
 * @param json its seven fields as they are served; written anew where it is not in the form of `eventJson`
 */
export function encodeStored(event: NostrEvent, json: string, place: LogPlace): Buffer {
  const head = `{"id":"${event.id}","pubkey":"${event.pubkey}","created_at":${event.created_at},"kind":${event.kind},"tags":[`
  const text = json.startsWith(head) ? json : eventJson(event)
  const bytesMax = JSON_AT + text.length * UTF8_BYTES_PER_CHARACTER_MAX
  if (scratch.length < bytesMax) scratch = Buffer.allocUnsafeSlow(2 * bytesMax)
  scratch.writeDoubleBE(event.created_at, 0)
  scratch.writeDoubleBE(expirationOf(event) ?? 0, EXPIRATION_AT)
  scratch.writeDoubleBE(place.offset, OFFSET_AT)
  scratch.writeUInt16BE(place.partition, PARTITION_AT)
  scratch.writeUInt16BE(event.kind, KIND_AT)
  return scratch.subarray(0, JSON_AT + scratch.write(text, JSON_AT, 'utf8'))
}

/** The id in a record; the record may be a buffer that the next read overwrites. */
export const idOfRecord = (record: Buffer): Buffer =>
  Buffer.from(record.toString('latin1', ID_AT, ID_AT + 64), 'hex')

/** One event of the view, read lazily from its record: what nobody asks for is not decoded. */
export class StoredEvent {
  #record: Buffer
  #id: string | undefined

  /** @param record owned by this object from now on, but for `point` */
  constructor(record: Buffer) {
    this.#record = record
  }

  /** Makes this object the event of another record, which holds as long as its owner says. */
  point(record: Buffer): this {
    this.#record = record
    this.#id = undefined
    return this
  }

  /** The same event in memory of its own, or where `keep` says. */
  copy(keep: Keep = ownCopy): StoredEvent {
    return new StoredEvent(keep(this.#record))
  }

  get id(): string {
    this.#id ??= this.#record.toString('latin1', ID_AT, ID_AT + 64)
    return this.#id
  }

  isId(id: Buffer): boolean {
    return this.id === id.toString('hex')
  }

  get pubkey(): string {
    return this.#record.toString('latin1', PUBKEY_AT, PUBKEY_AT + 64)
  }

  get createdAt(): number {
    return readF64(this.#record, 0)
  }

  get kind(): number {
    return this.#record.readUInt16BE(KIND_AT)
  }

  /** Seconds since the Unix epoch; null: never (NIP-40). */
  get expirationS(): number | null {
    return readF64(this.#record, EXPIRATION_AT) || null
  }

  get partition(): number {
    return this.#record.readUInt16BE(PARTITION_AT)
  }

  get offset(): number {
    return readF64(this.#record, OFFSET_AT)
  }

  get json(): string {
    return this.#record.toString('utf8', JSON_AT, this.#record.length)
  }

  /** Of the event's seven fields as JSON in UTF-8. */
  get jsonBytes(): number {
    return this.#record.length - JSON_AT
  }

  /** Writes the JSON in UTF-8; there has to be room for `jsonBytes`. */
  copyJson(into: Buffer, at: number): void {
    this.#record.copy(into, at, JSON_AT, this.#record.length)
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
    let at = afterDigits(record, CREATED_AT_DIGITS_AT) + KIND_NAME_BYTES
    at = afterDigits(record, at) + TAGS_NAME_BYTES
    while (record[at] === OPEN) {
      // `["e","value"`: a name of one letter, then a value.
      const isNamed = record[at + 2] === code && record[at + 3] === QUOTE && record[at + 4] === COMMA
      at++
      for (let index = 0; record[at] !== CLOSE; index++) {
        const from = at + 1
        at = afterString(record, at)
        if (isNamed && index === 1 && valueKeys.has(record.toString('latin1', from, at - 1))) return true
        if (record[at] === COMMA) at++
      }
      at++
      if (record[at] === COMMA) at++
    }
    return false
  }
}

function afterDigits(json: Buffer, start: number): number {
  let at = start
  while (json[at] !== COMMA) at++
  return at
}

/** @param start of its opening quote */
function afterString(json: Buffer, start: number): number {
  let at = start + 1
  for (; json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) at++
  return at + 1
}

/** A tag's value as `hasTag` compares it: its UTF-8 as JSON has it, read as Latin-1. */
export const tagValueKey = (value: string): string =>
  Buffer.from(JSON.stringify(value).slice(1, -1)).toString('latin1')
