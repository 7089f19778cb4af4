import type { NostrEvent } from './event.ts'

export type KindClass = 'regular' | 'replaceable' | 'ephemeral' | 'addressable'

export const KIND_MAX = 65_535

/** The kinds whose rules are spelled out in this library, by the names of their NIPs. */
export const KINDS = {
  metadata: 0,
  follows: 3,
  encryptedDirectMessage: 4,
  deletion: 5,
  seal: 13,
  directMessage: 14,
  fileMessage: 15,
  vanish: 62,
  giftWrap: 1059,
  ephemeralGiftWrap: 21059,
  clientAuth: 22242,
  httpAuth: 27235,
} as const

/**
 * How relays keep events of a kind (NIP-01, Kinds). The text leaves 45–999 and everything from 40000 on unnamed;
 * they are kept like regular events, which loses nothing.
 */
export function kindClass(kind: number): KindClass {
  if (kind === KINDS.metadata || kind === KINDS.follows) return 'replaceable'
  if (kind >= 10_000 && kind < 20_000) return 'replaceable'
  if (kind >= 20_000 && kind < 30_000) return 'ephemeral'
  if (kind >= 30_000 && kind < 40_000) return 'addressable'
  return 'regular'
}

/** Gift wraps belong to their recipient: their author is a one-time key (NIP-59). */
export const isGiftWrap = (kind: number): boolean =>
  kind === KINDS.giftWrap || kind === KINDS.ephemeralGiftWrap

/** The value of the first `d` tag, or '' when there is none or it has no value (NIP-01). */
export function dTagOf(event: Pick<NostrEvent, 'tags'>): string {
  for (const tag of event.tags) if (tag[0] === 'd') return tag[1] ?? ''
  return ''
}

/** The `kind:pubkey:d` under which only one version of an event is current. */
export const addressKey = (kind: number, pubkey: string, d: string): string => `${kind}:${pubkey}:${d}`

/** The event's address as in an `a` tag (NIP-01), with d = '' for replaceable kinds; null for other classes. */
export function addressOf(event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags'>): string | null {
  const versions = kindClass(event.kind)
  if (versions === 'replaceable') return addressKey(event.kind, event.pubkey, '')
  if (versions === 'addressable') return addressKey(event.kind, event.pubkey, dTagOf(event))
  return null
}
