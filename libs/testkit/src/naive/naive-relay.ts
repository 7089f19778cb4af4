import type { SignedEvent } from '../signer.ts'
import {
  isWrap,
  type NaiveFilter,
  naiveAddress,
  naiveClass,
  naiveExpired,
  naiveMatches,
  naiveMayRead,
  servedFirst,
  taggedKeys,
  tagValues,
} from './naive-rules.ts'
import {
  erases,
  holdsDown,
  type NaiveTombstone,
  tombstonesOfDeletion,
  tombstonesOfVanish,
} from './naive-tombstones.ts'

/** What a relay answers to an EVENT, and what that means for OK: see `NaiveRelay.admit`. */
export type NaiveVerdict =
  /** OK true: kept. */
  | 'stored'
  /** OK true: sent to listeners, not kept. */
  | 'passed-on'
  /** OK true, `duplicate: already have this event`. */
  | 'duplicate'
  /** OK false, `duplicate: replaced, have newer event`. */
  | 'superseded'
  /** OK false: a tombstone covers it. */
  | 'deleted'
  | 'expired'
  /** OK false, `auth-required:`: only its author may publish it, and nobody is authenticated. */
  | 'auth-required'
  /** OK false, `restricted:`: only its author may publish it, and somebody else is authenticated. */
  | 'restricted'
  | 'kind-refused'
  /** OK false: a kind 5 that names nothing known but what belongs to others. */
  | 'deletes-others'
  /** OK false: a kind 62 without a relay, or from the future. */
  | 'vanish-malformed'
  | 'owner-missing'

export interface NaiveRelayOptions {
  /** Whether a kind 5 or 62 takes effect when it is admitted; otherwise only `tombstone` erases. */
  readonly honoursDeletions?: boolean
  /** The URLs under which a request to vanish means this relay. */
  readonly relayUrls?: readonly string[]
  readonly limitDefault?: number
  readonly limitMax?: number
}

const NOBODY: ReadonlySet<string> = new Set()

/**
 * The relay in its simplest form: lists and loops. The oracle for everything that is fast, distributed or incremental;
 * signatures and sizes are not its business.
 */
export class NaiveRelay {
  readonly #events: SignedEvent[] = []
  readonly #tombstones: NaiveTombstone[] = []
  readonly #options: Required<NaiveRelayOptions>

  constructor(options: NaiveRelayOptions = {}) {
    this.#options = { honoursDeletions: false, relayUrls: [], limitDefault: 500, limitMax: 5000, ...options }
  }

  /** Takes a well-formed, rightly signed event at `nowS` from somebody authenticated as `authed`. */
  admit(event: SignedEvent, nowS: number, authed: ReadonlySet<string> = NOBODY): NaiveVerdict {
    if (event.kind === 22242 || event.kind === 27235) return 'kind-refused'
    if (isWrap(event) && taggedKeys(event).length === 0) return 'owner-missing'
    if (naiveExpired(event, nowS)) return 'expired'
    if (event.tags.some((tag) => tag[0] === '-') && !authed.has(event.pubkey))
      return authed.size === 0 ? 'auth-required' : 'restricted'
    if (this.#options.honoursDeletions && event.kind === 62)
      if (tagValues(event, 'relay').length === 0 || event.created_at > nowS) return 'vanish-malformed'
    if (this.#isErased(event)) return 'deleted'
    if (naiveClass(event.kind) === 'ephemeral') return 'passed-on'
    if (this.#isHeldDown(event)) return 'superseded'
    const winner = this.#winnerAt(naiveAddress(event))
    if (winner !== undefined && servedFirst(winner, event) < 0) return 'superseded'
    if (this.#events.some((known) => known.id === event.id)) return 'duplicate'
    if (this.#options.honoursDeletions && event.kind === 5 && this.owners(event, nowS) === 'others')
      return 'deletes-others'
    this.#events.push(event)
    if (this.#options.honoursDeletions) this.#honour(event)
    return 'stored'
  }

  /** Takes in an erasure, as often and in whatever order it comes. */
  tombstone(tombstone: NaiveTombstone): void {
    this.#tombstones.push(tombstone)
  }

  /**
   * Whose the targets of a kind 5 are. `unsure`: that hangs on versions that are superseded, expired or erased, of which a relay may
   * or may not know whose they were.
   */
  owners(request: SignedEvent, nowS: number): 'own' | 'others' | 'unknown' | 'unsure' {
    const visible = this.visible(nowS)
    const found = new Set<'own' | 'others' | 'unsure'>()
    for (const id of tagValues(request, 'e')) {
      const target = this.#events.find((event) => event.id === id)
      if (target === undefined) continue
      const owners = isWrap(target) ? [target.pubkey, ...taggedKeys(target)] : [target.pubkey]
      if (!visible.includes(target)) found.add('unsure')
      else found.add(owners.includes(request.pubkey) ? 'own' : 'others')
    }
    for (const address of tagValues(request, 'a')) {
      const [, kind = '', pubkey = ''] = /^(\d{1,5}):([0-9a-f]{64}):/.exec(address) ?? []
      if (!['replaceable', 'addressable'].includes(naiveClass(Number(kind || 1)))) continue
      found.add(pubkey === request.pubkey ? 'own' : 'others')
    }
    return found.has('own')
      ? 'own'
      : found.has('unsure')
        ? 'unsure'
        : found.has('others')
          ? 'others'
          : 'unknown'
  }

  /** What a REQ is answered with: each filter cut at its own limit, the union newest first. */
  query(filters: readonly NaiveFilter[], nowS: number, authed: ReadonlySet<string> = NOBODY): SignedEvent[] {
    const found = new Set<SignedEvent>()
    const visible = this.visible(nowS).filter((event) => naiveMayRead(event, authed))
    for (const filter of filters) {
      const limit = Math.min(filter.limit ?? this.#options.limitDefault, this.#options.limitMax)
      const matching = visible.filter((event) => naiveMatches(filter, event)).sort(servedFirst)
      for (const event of matching.slice(0, limit)) found.add(event)
    }
    return [...found].sort(servedFirst)
  }

  /** What a COUNT is answered with: the size of the union, without limits. */
  count(filters: readonly NaiveFilter[], nowS: number, authed: ReadonlySet<string> = NOBODY): number {
    return this.visible(nowS).filter(
      (event) => naiveMayRead(event, authed) && filters.some((filter) => naiveMatches(filter, event)),
    ).length
  }

  /** Whether an admitted event goes at once to a subscription with these filters. */
  goesTo(event: SignedEvent, filters: readonly NaiveFilter[], authed: ReadonlySet<string> = NOBODY): boolean {
    return naiveMayRead(event, authed) && filters.some((filter) => naiveMatches(filter, event))
  }

  /** Everything that is neither erased, superseded nor expired, whoever may read it; newest first. */
  visible(nowS: number): SignedEvent[] {
    return this.current().filter((event) => !naiveExpired(event, nowS))
  }

  /** Every event that is not erased and, where it has versions, rules its address; expired ones included. */
  current(): SignedEvent[] {
    return this.#events
      .filter((event) => {
        const address = naiveAddress(event)
        return address === '' ? !this.#isErased(event) : this.#winnerAt(address) === event
      })
      .sort(servedFirst)
  }

  /** Every event ever admitted, in that order. */
  admitted(): readonly SignedEvent[] {
    return this.#events
  }

  tombstones(): readonly NaiveTombstone[] {
    return this.#tombstones
  }

  /** Whether one of the tombstones erases the event. */
  static isErased(tombstones: readonly NaiveTombstone[], event: SignedEvent): boolean {
    return tombstones.some((tombstone) => erases(tombstone, event))
  }

  /** Whether one of the tombstones leaves a floor that the version does not rise above. */
  static isHeldDown(tombstones: readonly NaiveTombstone[], event: SignedEvent): boolean {
    return tombstones.some((tombstone) => holdsDown(tombstone, event))
  }

  #isErased(event: SignedEvent): boolean {
    return NaiveRelay.isErased(this.#tombstones, event)
  }

  #isHeldDown(event: SignedEvent): boolean {
    return NaiveRelay.isHeldDown(this.#tombstones, event)
  }

  #winnerAt(address: string): SignedEvent | undefined {
    if (address === '') return undefined
    const versions = this.#events.filter((event) => naiveAddress(event) === address)
    return versions.filter((event) => !this.#isErased(event) && !this.#isHeldDown(event)).sort(servedFirst)[0]
  }

  #honour(event: SignedEvent): void {
    if (event.kind === 5) this.#tombstones.push(...tombstonesOfDeletion(event, this.#events))
    if (event.kind === 62) this.#tombstones.push(...tombstonesOfVanish(event, this.#options.relayUrls))
  }
}
