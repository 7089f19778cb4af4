import { addressKey, addressOf, isNewerVersion, type NostrEvent, type Tombstone } from '@millrace/nostr'
import type { CurrentVersion } from '@millrace/read-models'
import { LRUCache } from 'lru-cache'

/** What this edge knows about an address. */
export interface KnownVersion {
  /** The newest version met so far, null when none was. */
  readonly newest: CurrentVersion | null
  /** Nothing newer is stored: the store was asked, or the address was proven new. */
  readonly isExact: boolean
}

const UNKNOWN: KnownVersion = { newest: null, isExact: false }

/** Current versions by address, as far as this edge has met them; kept right by everything appended and erased. */
export class Winners {
  readonly #cache: LRUCache<string, KnownVersion>
  /** The address of every cached version, since a tombstone may name an id alone. */
  readonly #addressOfId = new Map<string, string>()

  constructor(cachedMax: number) {
    this.#cache = new LRUCache({
      max: cachedMax,
      dispose: ({ newest }) => void (newest !== null && this.#addressOfId.delete(newest.id)),
    })
  }

  get(address: string): KnownVersion {
    return this.#cache.get(address) ?? UNKNOWN
  }

  /** Takes in what the store answered; a newer version met meanwhile stays. */
  learn(address: string, stored: CurrentVersion | null): void {
    this.#set(address, { newest: newer(this.get(address).newest, stored), isExact: true })
  }

  /** Takes in an event of the log; `isFirst`: the address was proven to be new. */
  met(event: NostrEvent, isFirst: boolean): void {
    const address = addressOf(event)
    if (address === null) return
    const known = this.get(address)
    const version = { id: event.id, createdAt: event.created_at }
    this.#set(address, { newest: newer(known.newest, version), isExact: known.isExact || isFirst })
  }

  /** Forgets the addresses whose winner the tombstone may have erased. */
  forget({ target, floor }: Tombstone): void {
    if (floor !== null) this.#cache.delete(addressKey(floor.kind, floor.pubkey, floor.d))
    if (target.type === 'address') this.#cache.delete(addressKey(target.kind, target.pubkey, target.d))
    if (target.type === 'pubkey') this.#cache.clear()
    const address = target.type === 'event' ? this.#addressOfId.get(target.id) : undefined
    if (address !== undefined) this.#cache.delete(address)
  }

  #set(address: string, known: KnownVersion): void {
    this.#cache.set(address, known)
    if (known.newest !== null) this.#addressOfId.set(known.newest.id, address)
  }
}

/** How an event relates to a version of its address. */
export function compareVersions(event: NostrEvent, version: CurrentVersion): 'same' | 'older' | 'newer' {
  if (event.id === version.id) return 'same'
  return isNewerVersion(event, { id: version.id, created_at: version.createdAt }) ? 'newer' : 'older'
}

function newer(a: CurrentVersion | null, b: CurrentVersion | null): CurrentVersion | null {
  if (a === null || b === null) return a ?? b
  const isNewer = isNewerVersion({ id: a.id, created_at: a.createdAt }, { id: b.id, created_at: b.createdAt })
  return isNewer ? a : b
}
