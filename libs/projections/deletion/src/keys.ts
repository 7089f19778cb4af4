import { createHash } from 'node:crypto'
import { addressKey } from '@millrace/nostr'
import type { EventFacts } from './facts.ts'

// Keys compare as bytes: numbers are big-endian, ids raw.

const ID_BYTES = 32
const SECOND_BYTES = 8
const HIGHEST_ID = Buffer.alloc(ID_BYTES, 0xff)

export const idBytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

export function secondBytes(second: number): Buffer {
  const bytes = Buffer.allocUnsafe(SECOND_BYTES)
  bytes.writeBigUInt64BE(BigInt(second))
  return bytes
}

/** `<owner><createdAt><id>`: all that one key wrote, or is sent in gift wraps, by time. */
export const ownedKey = (owner: string, createdAt: number, id: string): Buffer =>
  Buffer.concat([idBytes(owner), secondBytes(createdAt), idBytes(id)])

export const ownedKeyOf = (facts: EventFacts): Buffer => ownedKey(facts.pubkey, facts.createdAt, facts.id)

export const ownerRange = (owner: string, untilS: number) => ({
  start: Buffer.concat([idBytes(owner), Buffer.alloc(SECOND_BYTES)]),
  end: Buffer.concat([idBytes(owner), secondBytes(untilS), HIGHEST_ID, Buffer.alloc(1)]),
})

export const readOwnedKey = (key: Buffer) => ({
  pubkey: key.toString('hex', 0, ID_BYTES),
  createdAt: Number(key.readBigUInt64BE(ID_BYTES)),
  id: key.toString('hex', ID_BYTES + SECOND_BYTES),
})

/** An address as 32 bytes: a `d` may be longer than a key of LMDB. */
export const addressDigest = (kind: number, pubkey: string, d: string): Buffer =>
  createHash('sha256')
    .update(addressKey(kind, pubkey, d))
    .digest()

const complement = (id: string): Buffer => {
  const bytes = idBytes(id)
  for (let at = 0; at < bytes.length; at++) bytes[at] = ~(bytes[at] as number)
  return bytes
}

/** `<address><createdAt><complement of the id>`: the winner is the last one of its address (NIP-01). */
export const versionKey = (digest: Buffer, createdAt: number, id: string): Buffer =>
  Buffer.concat([digest, secondBytes(createdAt), complement(id)])

export const versionKeyOf = (facts: EventFacts): Buffer | null =>
  facts.d === null
    ? null
    : versionKey(addressDigest(facts.kind, facts.pubkey, facts.d), facts.createdAt, facts.id)

/** The versions at or below (createdAt, id); id null: all of that second. */
export const versionsUpTo = (digest: Buffer, createdAt: number, id: string | null) => ({
  start: digest,
  end: Buffer.concat([
    digest,
    secondBytes(createdAt),
    id === null ? HIGHEST_ID : complement(id),
    Buffer.alloc(1),
  ]),
})

export const versionsOf = (digest: Buffer) => versionsUpTo(digest, Number.MAX_SAFE_INTEGER, null)

export const idOfVersionKey = (key: Buffer): string =>
  complement(key.toString('hex', ID_BYTES + SECOND_BYTES)).toString('hex')

/** Why something is due: the order in which they are taken at one second. */
export const DUE = { expiration: 0, retention: 1, superseded: 2 } as const
export type DueReason = (typeof DUE)[keyof typeof DUE]

/** `<second><reason><id>`: what is due next comes first. */
export const dueKey = (dueS: number, reason: DueReason, id: string): Buffer =>
  Buffer.concat([secondBytes(dueS), Buffer.from([reason]), idBytes(id)])

export const readDueKey = (key: Buffer) => ({
  dueS: Number(key.readBigUInt64BE(0)),
  reason: key.readUInt8(SECOND_BYTES) as DueReason,
  id: key.toString('hex', SECOND_BYTES + 1),
})

/** `<target><request>`: which requests name an event. */
export const targetKey = (targetId: string, requestId: string): Buffer =>
  Buffer.concat([idBytes(targetId), idBytes(requestId)])

export const targetRange = (targetId: string) => ({
  start: idBytes(targetId),
  end: Buffer.concat([idBytes(targetId), HIGHEST_ID, Buffer.alloc(1)]),
})

/** `<author><createdAt><request>` of the ledger. */
export const ledgerAuthorKey = ownedKey

export const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
