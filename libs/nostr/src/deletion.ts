import { normalizeRelayUrl } from './client-auth.ts'
import type { NostrEvent } from './event.ts'
import { isHex64 } from './hex.ts'
import { addressOf, dTagOf, KIND_MAX, KINDS, type KindClass, kindClass } from './kinds.ts'
import type { Floor, TombstoneTarget } from './tombstone.ts'

const ADDRESS = /^([0-9]{1,5}):([0-9a-f]{64}):(.*)$/s
const VERSIONED: readonly KindClass[] = ['replaceable', 'addressable']

export interface Address {
  readonly kind: number
  readonly pubkey: string
  readonly d: string
}

/** Reads a `kind:pubkey:d` address of a replaceable or addressable kind (NIP-01, `a` tag); null for anything else. */
export function parseAddress(text: string): Address | null {
  const [, kindText, pubkey, d] = ADDRESS.exec(text) ?? []
  if (kindText === undefined || pubkey === undefined || d === undefined) return null
  const kind = Number(kindText)
  if (kind > KIND_MAX || !VERSIONED.includes(kindClass(kind))) return null
  return { kind, pubkey, d }
}

/**
 * What a kind 5 asks to erase (NIP-09), in tag order, without doubles: ids, whoever wrote them (the tombstone is bound to
 * the author, so a stranger's has no effect), and the author's own addresses up to the request's created_at.
 */
export function deletionTargets(request: NostrEvent): readonly TombstoneTarget[] {
  const targets = new Map<string, TombstoneTarget>()
  for (const [name, value] of request.tags) {
    if (value === undefined) continue
    if (name === 'e' && isHex64(value)) targets.set(value, { type: 'event', id: value })
    const address = name === 'a' ? parseAddress(value) : null
    if (address !== null && address.pubkey === request.pubkey)
      targets.set(value, { type: 'address', ...address, untilS: request.created_at })
  }
  return [...targets.values()]
}

/** What a kind 62 asks this relay to erase (NIP-62); null when it is meant for other relays. */
export function vanishTarget(request: NostrEvent, relayUrls: readonly string[]): TombstoneTarget | null {
  const own = relayUrls.map(normalizeRelayUrl).flatMap((url) => (url.ok ? [url.value] : []))
  const means = ([name, value]: readonly string[]): boolean => {
    if (name !== 'relay' || value === undefined) return false
    if (value === 'ALL_RELAYS') return true
    const url = normalizeRelayUrl(value)
    return url.ok && own.includes(url.value)
  }
  if (request.kind !== KINDS.vanish || !request.tags.some(means)) return null
  return { type: 'pubkey', pubkey: request.pubkey, untilS: request.created_at }
}

/** The floor that erasing or expiring this version leaves at its address; null for kinds without versions. */
export function floorLeftBy(
  version: Pick<NostrEvent, 'id' | 'pubkey' | 'kind' | 'created_at' | 'tags'>,
): Floor | null {
  if (addressOf(version) === null) return null
  const { kind, pubkey, created_at, id } = version
  const d = kindClass(kind) === 'addressable' ? dTagOf(version) : ''
  return { kind, pubkey, d, createdAt: created_at, id }
}
