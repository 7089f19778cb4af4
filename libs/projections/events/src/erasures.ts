import { type KindClass, kindClass, type Tombstone } from '@millrace/nostr'

/** Rows of nostr_store.tombstone_*; keys in hex. */
export interface ErasureRows {
  readonly events: readonly EventErasure[]
  readonly addresses: readonly AddressErasure[]
  readonly pubkeys: readonly PubkeyErasure[]
}

interface Origin {
  readonly reason: Tombstone['reason']
  readonly requestId: string
  readonly recordedAtMs: number
}

export interface EventErasure extends Origin {
  readonly eventId: string
  readonly author: string
  /** Asked for by a kind 5, which never reaches kinds 5 and 62 (NIP-09, NIP-62). */
  readonly isRequest: boolean
}

export interface AddressErasure extends Origin {
  readonly kind: number
  readonly pubkey: string
  readonly d: string
  readonly floorCreatedAt: number
  readonly floorId: string
}

export interface PubkeyErasure extends Origin {
  readonly pubkey: string
  readonly untilS: number
}

// No id is below it, so a floor with it covers every id of its second.
const LOWEST_ID = '0'.repeat(64)

/** Tombstones → rows. What reaches beyond its author is dropped, so that a wrong writer erases nothing (DESIGN 2.6). */
export function foldTombstones(tombstones: readonly Tombstone[]): ErasureRows {
  const events: EventErasure[] = []
  const addresses: AddressErasure[] = []
  const pubkeys: PubkeyErasure[] = []
  for (const { author, target, floor, reason, requestId, recordedAtMs } of tombstones) {
    const origin: Origin = { reason, requestId, recordedAtMs }
    if (target.type === 'event')
      events.push({ eventId: target.id, author, isRequest: reason === 'deletion', ...origin })
    else if (target.pubkey === author && target.type === 'pubkey')
      pubkeys.push({ pubkey: author, untilS: target.untilS, ...origin })
    else if (target.pubkey === author && target.type === 'address' && isAddress(target.kind, target.d))
      addresses.push({ ...address(target), floorCreatedAt: target.untilS, floorId: LOWEST_ID, ...origin })
    if (floor !== null && floor.pubkey === author && isAddress(floor.kind, floor.d))
      addresses.push({
        ...address(floor),
        floorCreatedAt: floor.createdAt,
        floorId: floor.id ?? LOWEST_ID,
        ...origin,
      })
  }
  return { events, addresses, pubkeys }
}

const address = ({ kind, pubkey, d }: { kind: number; pubkey: string; d: string }) => ({ kind, pubkey, d })

const ADDRESSED: ReadonlySet<KindClass> = new Set(['replaceable', 'addressable'])

// No event has another address, so a bound there would only be carried along.
const isAddress = (kind: number, d: string): boolean =>
  ADDRESSED.has(kindClass(kind)) && (d === '' || kindClass(kind) === 'addressable')
