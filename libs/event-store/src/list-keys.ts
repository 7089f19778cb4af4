import { hash } from 'node:crypto'
import { kindClass } from '@millrace/nostr'

/**
 * Keys of posting lists. No key is a prefix of another, so a list's key followed by a position never meets another list:
 * each form has a fixed length or says its length.
 */
const REGULAR_TIME = 1
const VERSIONED_TIME = 2
const AUTHOR = 3
const KIND = 4
const TAG = 5

const ALL_KINDS = 0
const ONE_KIND = 1

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

/** Beside the lists of the author's kinds, so that one page holds them. */
export function authorList(pubkey: string): Buffer {
  const key = Buffer.allocUnsafe(34)
  key[0] = AUTHOR
  key.write(pubkey, 1, 32, 'hex')
  key[33] = ALL_KINDS
  return key
}

export function kindList(kind: number): Buffer {
  const key = Buffer.allocUnsafe(3)
  key[0] = KIND
  key.writeUInt16BE(kind, 1)
  return key
}

export function authorKindList(pubkey: string, kind: number): Buffer {
  const key = Buffer.allocUnsafe(36)
  key[0] = AUTHOR
  key.write(pubkey, 1, 32, 'hex')
  key[33] = ONE_KIND
  key.writeUInt16BE(kind, 34)
  return key
}

const [CODE_0, CODE_9, CODE_A, CODE_F] = [0x30, 0x39, 0x61, 0x66] as const

/** Writes 64 lowercase hex digits as 32 bytes; false where the text is something else. */
function wroteHex(value: string, into: Buffer, at: number): boolean {
  if (value.length !== 64) return false
  for (let index = 0; index < 64; index++) {
    const code = value.charCodeAt(index)
    if (code < CODE_0 || code > CODE_F || (code > CODE_9 && code < CODE_A)) return false
  }
  into.write(value, at, 32, 'hex')
  return true
}

export function tagList(letter: string, value: string): Buffer {
  const hexKey = Buffer.allocUnsafe(35)
  if (wroteHex(value, hexKey, 3)) {
    hexKey[0] = TAG
    hexKey[1] = letter.charCodeAt(0)
    hexKey[2] = HEX_VALUE
    return hexKey
  }
  const bytes = Buffer.byteLength(value)
  if (bytes > SHORT_VALUE_BYTES_MAX)
    return Buffer.concat([
      Buffer.from([TAG, letter.charCodeAt(0), HASHED_VALUE]),
      hash('sha256', value, 'buffer'),
    ])
  const key = Buffer.allocUnsafe(4 + bytes)
  key[0] = TAG
  key[1] = letter.charCodeAt(0)
  key[2] = SHORT_VALUE
  key[3] = bytes
  key.write(value, 4, 'utf8')
  return key
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
