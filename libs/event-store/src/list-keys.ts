import { hash } from 'node:crypto'
import { kindClass, type NostrEvent } from '@millrace/nostr'
import type { IndexedTags } from './stored-event.ts'

/**
 * Keys of posting lists. No key is a prefix of another, so a list's key followed by a position never meets another list:
 * each form has a fixed length or says its length.
 */
const REGULAR_TIME = 1
const VERSIONED_TIME = 2
const AUTHOR = 3
const KIND = 4
const AUTHOR_KIND = 5
const TAG = 6

const HEX_VALUE = 1
const SHORT_VALUE = 2
const HASHED_VALUE = 3
const SHORT_VALUE_BYTES_MAX = 200

/** Whether only one version of such an event is current. */
export const isVersioned = (kind: number): boolean => {
  const versions = kindClass(kind)
  return versions === 'replaceable' || versions === 'addressable'
}

/** Regular events by time. */
export const regularTimeList: Buffer = Buffer.from([REGULAR_TIME])
/** Current versions of replaceable and addressable events by time. */
export const versionedTimeList: Buffer = Buffer.from([VERSIONED_TIME])

export function authorList(pubkey: string): Buffer {
  const key = Buffer.allocUnsafe(33)
  key[0] = AUTHOR
  key.write(pubkey, 1, 32, 'hex')
  return key
}

export function kindList(kind: number): Buffer {
  const key = Buffer.allocUnsafe(3)
  key[0] = KIND
  key.writeUInt16BE(kind, 1)
  return key
}

export function authorKindList(pubkey: string, kind: number): Buffer {
  const key = Buffer.allocUnsafe(35)
  key[0] = AUTHOR_KIND
  key.write(pubkey, 1, 32, 'hex')
  key.writeUInt16BE(kind, 33)
  return key
}

const HEX64 = /^[0-9a-f]{64}$/

export function tagList(letter: string, value: string): Buffer {
  if (value.length === 64 && HEX64.test(value)) {
    const key = Buffer.allocUnsafe(35)
    key[0] = TAG
    key.write(letter, 1, 1, 'latin1')
    key[2] = HEX_VALUE
    key.write(value, 3, 32, 'hex')
    return key
  }
  const bytes = Buffer.byteLength(value)
  if (bytes > SHORT_VALUE_BYTES_MAX)
    return Buffer.concat([
      Buffer.from([TAG, letter.charCodeAt(0), HASHED_VALUE]),
      hash('sha256', value, 'buffer'),
    ])
  const key = Buffer.allocUnsafe(4 + bytes)
  key[0] = TAG
  key.write(letter, 1, 1, 'latin1')
  key[2] = SHORT_VALUE
  key[3] = bytes
  key.write(value, 4, 'utf8')
  return key
}

/** Every list that an event is in. */
export function listsOf(event: NostrEvent, tags: IndexedTags): Buffer[] {
  const lists = [
    isVersioned(event.kind) ? versionedTimeList : regularTimeList,
    authorList(event.pubkey),
    kindList(event.kind),
    authorKindList(event.pubkey, event.kind),
  ]
  for (const [letter, value] of tags) lists.push(tagList(letter, value))
  return lists
}

/** The key of an address among the winners: kind, pubkey, and the d tag or its hash. */
export function winnerKey(kind: number, pubkey: string, d: string): Buffer {
  const tail = Buffer.byteLength(d) > SHORT_VALUE_BYTES_MAX ? hash('sha256', d, 'buffer') : Buffer.from(d)
  const key = Buffer.allocUnsafe(35 + tail.length)
  key.writeUInt16BE(kind, 0)
  key.write(pubkey, 2, 32, 'hex')
  key[34] = tail.length === Buffer.byteLength(d) ? SHORT_VALUE : HASHED_VALUE
  tail.copy(key, 35)
  return key
}
