import { kindClass, type NostrEvent } from '@millrace/nostr'
import { type Keep, ownCopy } from './arena.ts'
import { readF64 } from './numbers.ts'
import {
  afterString,
  CLOSE,
  COMMA,
  EXPIRATION_AT,
  ID_AT,
  JSON_AT,
  KIND_AT,
  OFFSET_AT,
  OPEN,
  PARTITION_AT,
  PUBKEY_AT,
  QUOTE,
  tagsAt,
} from './record-layout.ts'
import { eachIndexedTag, firstD } from './record-tags.ts'

/** Where the log holds an event. */
export interface LogPlace {
  readonly partition: number
  readonly offset: number
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

  /** 32 bytes. */
  get idBytes(): Buffer {
    return Buffer.from(this.id, 'hex')
  }

  /** 64 hexadecimal digits as ASCII, in the record's memory. */
  get pubkeyDigits(): Buffer {
    return this.#record.subarray(PUBKEY_AT, PUBKEY_AT + 64)
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

  /** The part of the event's address that its tags tell: the first `d` of an addressable one, otherwise ''. */
  get d(): string {
    return kindClass(this.kind) === 'addressable' ? (firstD(this.#record) ?? '') : ''
  }

  /** Calls with the letter's code and the key (see `valueOfTagKey`) of each tag that a filter can ask for; a tag given twice comes twice. */
  eachIndexedTag(visit: (letter: number, valueKey: string) => void): void {
    eachIndexedTag(this.#record, visit)
  }

  /** Whether some tag of the letter has one of the values, given as keys of `tagValueKey`. */
  hasTag(letter: string, valueKeys: ReadonlySet<string>): boolean {
    const record = this.#record
    const code = letter.charCodeAt(0)
    let at = tagsAt(record)
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

/** A tag's value as `hasTag` compares it: its UTF-8 as JSON has it, read as Latin-1. */
export const tagValueKey = (value: string): string =>
  Buffer.from(JSON.stringify(value).slice(1, -1)).toString('latin1')
