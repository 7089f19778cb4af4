import type { SignedEvent } from '../signer.ts'
import { isWrap, naiveAddress, naiveClass, taggedKeys, tagValues } from './naive-rules.ts'

/** A tombstone as the model reads it; assignable from and to the product's type without importing it. */
export interface NaiveTombstone {
  readonly author: string
  readonly requestId: string
  readonly requestCreatedAt: number
  readonly target:
    | { readonly type: 'event'; readonly id: string }
    | {
        readonly type: 'address'
        readonly kind: number
        readonly pubkey: string
        readonly d: string
        readonly untilS: number
      }
    | { readonly type: 'pubkey'; readonly pubkey: string; readonly untilS: number }
  readonly floor: {
    readonly kind: number
    readonly pubkey: string
    readonly d: string
    readonly createdAt: number
    readonly id: string | null
  } | null
  readonly reason: 'deletion' | 'vanish' | 'expiration' | 'admin'
  readonly recordedAtMs: number
}

/** Whether this one tombstone erases this one event. */
export function erases({ author, target, reason }: NaiveTombstone, event: SignedEvent): boolean {
  const owners = isWrap(event) ? [event.pubkey, ...taggedKeys(event)] : [event.pubkey]
  switch (target.type) {
    case 'event':
      if (reason === 'deletion' && (event.kind === 5 || event.kind === 62)) return false
      return target.id === event.id && owners.includes(author)
    case 'address':
      if (target.pubkey !== author) return false
      return (
        naiveAddress(event) === `${target.kind}:${target.pubkey}:${target.d}` &&
        event.created_at <= target.untilS
      )
    case 'pubkey':
      if (event.kind === 62 || target.pubkey !== author) return false
      return owners.includes(author) && event.created_at <= target.untilS
  }
}

/** Whether this one tombstone leaves a floor that this one version does not rise above. */
export function holdsDown({ author, target, floor }: NaiveTombstone, event: SignedEvent): boolean {
  const address = naiveAddress(event)
  if (address === '') return false
  if (target.type === 'address' && target.pubkey === author && event.created_at <= target.untilS)
    if (address === `${target.kind}:${target.pubkey}:${target.d}`) return true
  if (floor === null || floor.pubkey !== author) return false
  if (address !== `${floor.kind}:${floor.pubkey}:${floor.d}`) return false
  if (event.created_at < floor.createdAt) return true
  return event.created_at === floor.createdAt && (floor.id === null || event.id >= floor.id)
}

/**
 * What a kind 5 asks for, as a relay writes it down that knows `stored`: only versions it holds leave a floor. Targets of
 * other people are written down too and erase nothing (NIP-09).
 */
export function tombstonesOfDeletion(request: SignedEvent, stored: readonly SignedEvent[]): NaiveTombstone[] {
  const base = {
    author: request.pubkey,
    requestId: request.id,
    requestCreatedAt: request.created_at,
    reason: 'deletion' as const,
    recordedAtMs: request.created_at * 1000,
  }
  const tombstones: NaiveTombstone[] = []
  for (const id of tagValues(request, 'e')) {
    if (!/^[0-9a-f]{64}$/.test(id)) continue
    const version = stored.find((event) => event.id === id)
    const floor = version !== undefined && version.pubkey === request.pubkey ? floorAt(version) : null
    tombstones.push({ ...base, target: { type: 'event', id }, floor })
  }
  for (const address of tagValues(request, 'a')) {
    const [, kindText = '', pubkey = '', d = ''] = /^(\d{1,5}):([0-9a-f]{64}):(.*)$/s.exec(address) ?? []
    const kind = Number(kindText)
    if (pubkey !== request.pubkey || !['replaceable', 'addressable'].includes(naiveClass(kind))) continue
    tombstones.push({
      ...base,
      target: { type: 'address', kind, pubkey, d, untilS: request.created_at },
      floor: null,
    })
  }
  return tombstones
}

/** What a request to vanish asks for when it names one of the relay's URLs or ALL_RELAYS (NIP-62). */
export function tombstonesOfVanish(request: SignedEvent, relayUrls: readonly string[]): NaiveTombstone[] {
  const named = tagValues(request, 'relay')
  if (!named.includes('ALL_RELAYS') && !named.some((url) => relayUrls.includes(url))) return []
  return [
    {
      author: request.pubkey,
      requestId: request.id,
      requestCreatedAt: request.created_at,
      target: { type: 'pubkey', pubkey: request.pubkey, untilS: request.created_at },
      floor: null,
      reason: 'vanish',
      recordedAtMs: request.created_at * 1000,
    },
  ]
}

/** The floor that erasing this version leaves; null for an event that has no versions. */
export function floorAt(version: SignedEvent): NaiveTombstone['floor'] {
  if (naiveAddress(version) === '') return null
  const d = naiveAddress(version).slice(`${version.kind}:${version.pubkey}:`.length)
  return { kind: version.kind, pubkey: version.pubkey, d, createdAt: version.created_at, id: version.id }
}
