import { decodeFacts, type EventFacts, encodeFacts } from './facts.ts'
import {
  addressDigest,
  DUE,
  dueKey,
  idBytes,
  idOfVersionKey,
  ownedKey,
  ownedKeyOf,
  ownerRange,
  readOwnedKey,
  versionKeyOf,
  versionsOf,
  versionsUpTo,
} from './keys.ts'
import { pagesOf } from './pages.ts'
import { duesOf, type Policy } from './policy.ts'
import type { Tables } from './tables.ts'

const NOTHING = Buffer.alloc(0)
const OWNER_AND_SECOND_BYTES = 40

/** The events that the log holds, with everything that leads to them. Inside a transaction. */
export class Records {
  readonly #tables: Tables
  readonly #policy: Policy

  constructor(tables: Tables, policy: Policy) {
    this.#tables = tables
    this.#policy = policy
  }

  has(id: string): boolean {
    return this.#tables.ids.doesExist(idBytes(id))
  }

  get(id: string): EventFacts | undefined {
    const place = this.#tables.ids.get(idBytes(id))
    if (place === undefined) return undefined
    const key = Buffer.concat([place.subarray(0, OWNER_AND_SECOND_BYTES), idBytes(id)])
    const value = this.#tables.owned.get(key)
    return value === undefined ? undefined : decodeFacts(readOwnedKey(key), value)
  }

  add(facts: EventFacts): void {
    const { owned, ids, versions, dues } = this.#tables
    const key = ownedKeyOf(facts)
    owned.putSync(key, encodeFacts(facts))
    ids.putSync(idBytes(facts.id), key.subarray(0, OWNER_AND_SECOND_BYTES))
    for (const recipient of facts.recipients)
      if (recipient !== facts.pubkey) owned.putSync(ownedKey(recipient, facts.createdAt, facts.id), NOTHING)
    for (const [dueS, reason] of duesOf(facts, this.#policy))
      dues.putSync(dueKey(dueS, reason, facts.id), NOTHING)
    const version = versionKeyOf(facts)
    if (version === null) return
    versions.putSync(version, NOTHING)
    this.#noteSuperseded(facts)
  }

  /** The same event at a higher offset: compaction keeps that one. */
  move(facts: EventFacts, offset: number): void {
    if (offset > facts.offset)
      this.#tables.owned.putSync(ownedKeyOf(facts), encodeFacts({ ...facts, offset }))
  }

  remove(facts: EventFacts): void {
    const { owned, ids, versions, dues } = this.#tables
    owned.removeSync(ownedKeyOf(facts))
    ids.removeSync(idBytes(facts.id))
    for (const recipient of facts.recipients)
      if (recipient !== facts.pubkey) owned.removeSync(ownedKey(recipient, facts.createdAt, facts.id))
    for (const [dueS, reason] of duesOf(facts, this.#policy)) dues.removeSync(dueKey(dueS, reason, facts.id))
    const version = versionKeyOf(facts)
    if (version !== null) versions.removeSync(version)
  }

  /** Ids of what a key wrote or was sent, oldest first, with createdAt ≤ untilS; they may be removed on the way. */
  *ownedBy(pubkey: string, untilS: number): Generator<string> {
    for (const key of pagesOf(this.#tables.owned, ownerRange(pubkey, untilS))) yield readOwnedKey(key).id
  }

  /** Ids of the versions of an address at or below (createdAt, id); likewise. */
  *versionsUpTo(
    address: { readonly kind: number; readonly pubkey: string; readonly d: string },
    createdAt: number,
    id: string | null,
  ): Generator<string> {
    const digest = addressDigest(address.kind, address.pubkey, address.d)
    for (const key of pagesOf(this.#tables.versions, versionsUpTo(digest, createdAt, id)))
      yield idOfVersionKey(key)
  }

  /** Makes the due keys of some events anew, from `start` (null: all of them); answers where to go on, null at the end. */
  remakeDues(start: Buffer | null, countMax: number): Buffer | null {
    const { owned, dues } = this.#tables
    if (start === null) dues.clearSync()
    const entries = [...owned.getRange({ ...(start === null ? {} : { start }), limit: countMax })]
    for (const { key, value } of entries) {
      if (value.length === 0) continue
      const facts = decodeFacts(readOwnedKey(key), value)
      for (const [dueS, reason] of duesOf(facts, this.#policy))
        dues.putSync(dueKey(dueS, reason, facts.id), NOTHING)
      const { supersededKeptS } = this.#policy
      if (facts.d !== null && supersededKeptS !== null && this.isSuperseded(facts))
        dues.putSync(dueKey(facts.appendedAtS + supersededKeptS, DUE.superseded, facts.id), NOTHING)
    }
    const last = entries.at(-1)
    return last === undefined || entries.length < countMax ? null : Buffer.concat([last.key, Buffer.alloc(1)])
  }

  isSuperseded(facts: EventFacts): boolean {
    const winner = this.#versionsNewestFirst(facts)[0]
    return winner !== undefined && winner !== facts.id
  }

  /** The two newest tell which version the new one has superseded, or that it came superseded. */
  #noteSuperseded(facts: EventFacts): void {
    const { supersededKeptS } = this.#policy
    if (supersededKeptS === null) return
    const versions = this.#versionsNewestFirst(facts)
    const at = versions.indexOf(facts.id)
    const superseded = at === 0 ? versions[1] : facts.id
    if (superseded !== undefined)
      this.#tables.dues.putSync(
        dueKey(facts.appendedAtS + supersededKeptS, DUE.superseded, superseded),
        NOTHING,
      )
  }

  /** At most two: the winner and the one before it. */
  #versionsNewestFirst({ kind, pubkey, d }: EventFacts): readonly string[] {
    if (d === null) return []
    const { start, end } = versionsOf(addressDigest(kind, pubkey, d))
    const keys = this.#tables.versions.getKeys({ start: end, end: start, reverse: true, limit: 2 })
    return [...keys].map(idOfVersionKey)
  }
}
