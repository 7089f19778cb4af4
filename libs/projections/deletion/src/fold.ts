import { decodeTombstone, encodeTombstone, tombstoneKey } from '@millrace/codec'
import { unwrap } from '@millrace/kernel'
import {
  type Envelope,
  floorLeftBy,
  isErasureRequest,
  type NostrEvent,
  type Tombstone,
  type TombstoneSet,
  tombstoneOfExpired,
  tombstoneOfRetired,
  tombstonesOf,
} from '@millrace/nostr'
import { decodeFacts, type EventFacts, encodeFacts, eventOfFacts, factsOf, type Place } from './facts.ts'
import { DUE, digestOf, idBytes, readDueKey, secondBytes, targetKey, targetRange } from './keys.ts'
import { noteWritten, openEntry } from './ledger.ts'
import type { Meta } from './meta.ts'
import { encodeOutgoing, type Outgoing } from './outbox.ts'
import { pagesOf } from './pages.ts'
import type { Policy } from './policy.ts'
import { Records } from './records.ts'
import type { Tables } from './tables.ts'

export interface FoldParts {
  readonly tables: Tables
  readonly tombstones: TombstoneSet
  readonly policy: Policy
  /** Under which a request to vanish means this relay. */
  readonly relayUrls: readonly string[]
  readonly nowMs: number
}

/**
 * The changes of one transaction: a fold of nostr.events, nostr.tombstones and the dead letters into what is known and what is to be
 * appended. The same records again, in whatever cuts, decide the same appends, with the same keys.
 */
export class Fold {
  readonly #parts: FoldParts
  readonly #records: Records
  #nextErasing: number
  #nextOutgoing: number
  #hasErased = false

  constructor(parts: FoldParts, meta: Meta) {
    this.#parts = parts
    this.#records = new Records(parts.tables, parts.policy)
    this.#nextErasing = meta.nextErasing
    this.#nextOutgoing = meta.nextOutgoing
  }

  /** What the transaction adds to the meta. */
  finish(meta: Meta): Meta {
    const { nowMs } = this.#parts
    return {
      ...meta,
      nextErasing: this.#nextErasing,
      nextOutgoing: this.#nextOutgoing,
      erasedSinceMs: this.#hasErased ? (meta.erasedSinceMs ?? nowMs) : meta.erasedSinceMs,
    }
  }

  /** Takes an event in; one that a tombstone covers is nulled, whenever and however it slipped in (DESIGN 2.6). */
  event({ event }: Envelope, place: Place): void {
    const { tombstones } = this.#parts
    const facts = factsOf(event, place)
    if (tombstones.covers(event) || tombstones.isBelowFloor(event)) {
      this.#leaveFloor(event)
      // What a key asked for holds after it has vanished too, whichever came first: compaction moves what was appended twice.
      if (isErasureRequest(event.kind)) this.#request(event, place)
      this.#send({ type: 'event-null', ...facts, requestId: null })
      return
    }
    const known = this.#records.get(event.id)
    if (known !== undefined) {
      this.#records.move(known, place.offset)
      // It may have been sent again after a crash of ours: asking again changes nothing.
      return
    }
    this.#records.add(facts)
    if (isErasureRequest(event.kind)) this.#request(event, place)
  }

  /** Takes in a tombstone of the log: another instance's, an administrator's, or one's own that comes back. */
  tombstone(tombstone: Tombstone): void {
    this.#remember(tombstone)
    this.#parts.tombstones.apply(tombstone)
    this.#erase(tombstone)
  }

  /** Takes in a dead letter, and the event in it where it lies under the event's id: only so can a null erase it. */
  letter(key: string, event: NostrEvent | null, place: Place): void {
    const { tables, tombstones } = this.#parts
    if (event !== null && (tombstones.covers(event) || tombstones.isBelowFloor(event))) {
      this.#send({ type: 'letter-null', key })
      return
    }
    const appendedAtS = Math.floor(place.appendedAtMs / 1000)
    tables.letterKeys.putSync(Buffer.from(key, 'latin1'), Buffer.from(String(appendedAtS)))
    if (event === null) return
    const facts = factsOf(event, place)
    const owner = Buffer.from(JSON.stringify([facts.pubkey, facts.createdAt]))
    tables.letters.putSync(idBytes(event.id), Buffer.concat([owner, Buffer.from('\n'), encodeFacts(facts)]))
  }

  /**
   * Nulls letters appended before `beforeS`: in a topic that is compacted too, old ones share segments with new ones, and Kafka's
   * retention never gets them. Few, since they are refused records.
   */
  agedLetters(beforeS: number): void {
    const { letterKeys, letters } = this.#parts.tables
    for (const { key, value } of [...letterKeys.getRange({})]) {
      if (Number(value.toString()) >= beforeS) continue
      const text = key.toString('latin1')
      letterKeys.removeSync(key)
      if (EVENT_ID.test(text)) letters.removeSync(idBytes(text))
      this.#send({ type: 'letter-null', key: text })
    }
  }

  /** Takes what is due by `nowS`, at most `countMax`; answers how many it took. */
  dues(nowS: number, countMax: number, isOurs: (partition: number) => boolean): number {
    const { dues } = this.#parts.tables
    let taken = 0
    for (const key of pagesOf(dues, { start: secondBytes(0), end: secondBytes(nowS + 1) })) {
      if (taken === countMax) break
      const { reason, id } = readDueKey(key)
      const facts = this.#records.get(id)
      // Another instance has the partition now: its tombstone takes the event out here too.
      if (facts !== undefined && !isOurs(facts.partition)) continue
      dues.removeSync(key)
      taken++
      if (facts === undefined) continue
      if (reason === DUE.superseded) this.#dropSuperseded(facts)
      else this.#retire(facts, reason === DUE.expiration)
    }
    return taken
  }

  /** Goes on with erasures, at most `countMax` events or tombstones; answers whether some are left. */
  erasures(countMax: number): boolean {
    const { erasing } = this.#parts.tables
    let left = countMax
    for (const { key, value } of [...erasing.getRange({ limit: countMax })]) {
      left -= this.#takeOut(unwrap(decodeTombstone(value)), left)
      if (left <= 0) return true
      erasing.removeSync(key)
      left--
    }
    return left <= 0
  }

  #request(request: NostrEvent, place: Place): void {
    const { relayUrls, nowMs, tables } = this.#parts
    const find = (id: string) => {
      const facts = this.#records.get(id)
      return facts && eventOfFacts(facts)
    }
    const tombstones = tombstonesOf(request, { relayUrls, find, nowMs })
    if (tombstones.length === 0) return
    openEntry(tables, request, place)
    for (const tombstone of tombstones) this.#write(tombstone, true)
  }

  /** Appends a tombstone unless the log has it; one that is there with a floor is never written over without it. */
  #write(tombstone: Tombstone, isRequested: boolean): void {
    const { tables, tombstones } = this.#parts
    const known = tables.tombstones.get(digestOf(tombstoneKey(tombstone)))
    const written = known === undefined ? null : unwrap(decodeTombstone(known))
    if (written !== null && (written.floor !== null || tombstone.floor === null)) {
      // The state is being rebuilt from a log that holds the answers.
      if (isRequested) noteWritten(tables, written)
      this.#erase(written)
      return
    }
    this.#send({ type: 'tombstone', tombstone, isRequested })
    this.#remember(tombstone)
    tombstones.apply(tombstone)
    this.#erase(tombstone)
  }

  #remember(tombstone: Tombstone): void {
    const { tombstones, targets } = this.#parts.tables
    const key = digestOf(tombstoneKey(tombstone))
    const known = tombstones.get(key)
    if (known !== undefined && tombstone.floor === null && unwrap(decodeTombstone(known)).floor !== null)
      return
    tombstones.putSync(key, encodeTombstone(tombstone))
    const { target, requestId } = tombstone
    if (target.type === 'event') targets.putSync(targetKey(target.id, requestId), key)
  }

  #erase(tombstone: Tombstone): void {
    this.#parts.tables.erasing.putSync(this.#nextErasing, encodeTombstone(tombstone))
    this.#nextErasing++
  }

  /**
   * A version that its deletion came before leaves its floor now (DESIGN 2.5). Whether it did is in the tombstones, not in the order of
   * the log: compaction moves a request that was appended twice behind its targets.
   */
  #leaveFloor(event: NostrEvent): void {
    const floor = floorLeftBy(event)
    if (floor === null) return
    for (const tombstone of tombstonesOfEvent(this.#parts.tables, event.id, Number.MAX_SAFE_INTEGER))
      if (tombstone.author === event.pubkey && tombstone.floor === null)
        this.#write({ ...tombstone, floor }, false)
  }

  #retire(facts: EventFacts, isExpired: boolean): void {
    const { nowMs } = this.#parts
    const event = eventOfFacts(facts)
    this.#write(isExpired ? tombstoneOfExpired(event, nowMs) : tombstoneOfRetired(event, nowMs), false)
  }

  /** Nobody erased it: its successor hides it, so the log alone lets go of it. */
  #dropSuperseded(facts: EventFacts): void {
    if (this.#records.isSuperseded(facts)) this.#null(facts, null)
  }

  #takeOut(tombstone: Tombstone, countMax: number): number {
    const isAsked = tombstone.reason === 'deletion' || tombstone.reason === 'vanish'
    let taken = 0
    for (const id of this.#candidates(tombstone)) {
      if (taken === countMax) return taken
      const facts = this.#records.get(id)
      if (facts === undefined || !this.#isErased(facts)) continue
      this.#null(facts, isAsked ? tombstone.requestId : null)
      taken++
    }
    this.#takeOutLetters(tombstone)
    return taken
  }

  #isErased(facts: EventFacts): boolean {
    const event = eventOfFacts(facts) as NostrEvent
    return this.#parts.tombstones.covers(event) || this.#parts.tombstones.isBelowFloor(event)
  }

  #null(facts: EventFacts, requestId: string | null): void {
    this.#records.remove(facts)
    this.#hasErased = true
    this.#send({ type: 'event-null', ...facts, requestId })
  }

  *#candidates({ target, floor }: Tombstone): Generator<string> {
    if (target.type === 'event') yield target.id
    if (target.type === 'address') yield* this.#records.versionsUpTo(target, target.untilS, null)
    if (target.type === 'pubkey') yield* this.#records.ownedBy(target.pubkey, target.untilS)
    if (floor !== null) yield* this.#records.versionsUpTo(floor, floor.createdAt, floor.id)
  }

  /** Few: letters are refused records, gone after thirty days. */
  #takeOutLetters({ target }: Tombstone): void {
    const { letters, letterKeys } = this.#parts.tables
    const keys =
      target.type === 'event' ? [idBytes(target.id)] : [...letters.getKeys()].map((key) => Buffer.from(key))
    for (const key of keys) {
      const value = letters.get(key)
      if (value === undefined || !this.#isErased(letterFacts(key, value))) continue
      const id = key.toString('hex')
      letters.removeSync(key)
      letterKeys.removeSync(Buffer.from(id, 'latin1'))
      this.#hasErased = true
      this.#send({ type: 'letter-null', key: id })
    }
  }

  #send(outgoing: Outgoing): void {
    this.#parts.tables.outbox.putSync(this.#nextOutgoing, encodeOutgoing(outgoing))
    this.#nextOutgoing++
  }
}

const EVENT_ID = /^[0-9a-f]{64}$/

function letterFacts(key: Buffer, value: Buffer): EventFacts {
  const cut = value.indexOf('\n')
  const [pubkey, createdAt] = JSON.parse(value.toString('utf8', 0, cut)) as [string, number]
  return decodeFacts({ id: key.toString('hex'), pubkey, createdAt }, value.subarray(cut + 1))
}

export function tombstonesOfEvent(tables: Tables, id: string, countMax: number): readonly Tombstone[] {
  const found: Tombstone[] = []
  for (const { value } of tables.targets.getRange({ ...targetRange(id), limit: countMax })) {
    const tombstone = tables.tombstones.get(value)
    if (tombstone !== undefined) found.push(unwrap(decodeTombstone(tombstone)))
  }
  return found
}
