import { dTagOf, kindClass, type NostrEvent, type TombstoneSet } from '@millrace/nostr'
import { readCopy } from './chunks.ts'
import { winnerKey } from './list-keys.ts'
import type { LogPlace } from './stored-event.ts'
import type { Tables } from './tables.ts'

/** An address whose current version was erased without a floor, so that an older one may rule it, which the store alone has. */
export interface Doubt {
  readonly kind: number
  readonly pubkey: string
  readonly d: string
  /** The erased version: whatever rules is older. */
  readonly createdAt: number
  readonly id: string
  readonly partition: number
  /** The store can tell once it has everything of the partition before this offset: the view may have met older versions there. */
  readonly offset: number
}

type DoubtTables = Pick<Tables, 'doubts'>
type AddressParts = Pick<Doubt, 'kind' | 'pubkey' | 'd'>

export function doubtAbout(erased: NostrEvent, { partition, offset }: LogPlace): Doubt {
  const { kind, pubkey, created_at: createdAt, id } = erased
  return { kind, pubkey, d: dOf(erased), createdAt, id, partition, offset }
}

/** The d of the event's address. */
const dOf = (event: NostrEvent): string => (kindClass(event.kind) === 'addressable' ? dTagOf(event) : '')

export const addressParts = (event: NostrEvent): AddressParts => ({
  kind: event.kind,
  pubkey: event.pubkey,
  d: dOf(event),
})

/** Begins with the author, so that those of one author lie together. */
const keyOf = ({ kind, pubkey, d }: AddressParts): Buffer =>
  Buffer.concat([Buffer.from(pubkey, 'hex'), winnerKey(kind, pubkey, d)])

export function readDoubt(tables: DoubtTables, address: AddressParts): Doubt | undefined {
  const bytes = readCopy(tables.doubts, keyOf(address))
  return bytes === undefined ? undefined : doubtOf(bytes)
}

export function writeDoubt(tables: DoubtTables, doubt: Doubt): void {
  tables.doubts.putSync(keyOf(doubt), bytesOf(doubt))
}

export function removeDoubt(tables: DoubtTables, address: AddressParts): void {
  tables.doubts.removeSync(keyOf(address))
}

/** Those of one author, or of all. */
export function doubtsOf(tables: DoubtTables, pubkey: string | null, limit?: number): Doubt[] {
  const start = Buffer.from(pubkey ?? '', 'hex')
  const end = pubkey === null ? undefined : Buffer.concat([start, Buffer.from([0xff])])
  const range = tables.doubts.getRange({ start, ...(end && { end }), ...(limit && { limit }) })
  return [...range].map(({ value }) => doubtOf(value))
}

type DoubtFields = [
  kind: number,
  pubkey: string,
  d: string,
  createdAt: number,
  id: string,
  partition: number,
  offset: number,
]

/** Without the names of an event's fields: who looks for an erased event in the bytes of the file finds events only. */
function bytesOf({ kind, pubkey, d, createdAt, id, partition, offset }: Doubt): Buffer {
  const fields: DoubtFields = [kind, pubkey, d, createdAt, id, partition, offset]
  return Buffer.from(JSON.stringify(fields))
}

function doubtOf(bytes: Buffer): Doubt {
  const fields = JSON.parse(bytes.toString()) as DoubtFields
  const [kind, pubkey, d, createdAt, id, partition, offset] = fields
  return { kind, pubkey, d, createdAt, id, partition, offset }
}

/** Whether all versions older than the erased one are erased or held down as well, whatever their ids: then none rules. */
export const isHistoryErased = (erased: NostrEvent, tombstones: TombstoneSet): boolean =>
  tombstones.isBelowFloor(erased) || tombstones.covers({ ...erased, id: NO_ID })

const NO_ID = ''

/** As much of the erased version as tombstones look at. */
export const erasedVersion = ({ kind, pubkey, d, createdAt, id }: Doubt): NostrEvent => ({
  id,
  pubkey,
  kind,
  created_at: createdAt,
  tags: [['d', d]],
  content: '',
  sig: '',
})
