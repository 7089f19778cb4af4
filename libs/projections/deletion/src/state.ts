import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ok, type Result } from '@millrace/kernel'
import type { Envelope, NostrEvent, Tombstone, TombstoneSet } from '@millrace/nostr'
import type { WatermarkMove, WatermarkStore } from '@millrace/pipeline'
import type { EventFacts, Place } from './facts.ts'
import { Fold, tombstonesOfEvent } from './fold.ts'
import {
  type Appended,
  entriesOf,
  type LedgerEntry,
  noteAppended,
  noteStages,
  openEntries,
  readEntry,
  type Stage,
} from './ledger.ts'
import { EMPTY_META, type Mark, type Meta, readMeta, writeMeta } from './meta.ts'
import { decodeOutgoing, type Outgoing } from './outbox.ts'
import { KEEP_ALL, type Policy, policyKeyOf } from './policy.ts'
import { Records } from './records.ts'
import { FORMAT_VERSION, openTables, type Tables } from './tables.ts'

export interface DeletionStateOptions {
  /** Made when it is missing; nothing else may be in it. */
  readonly folder: string
  /** Of the log that is projected; a state of another one is dropped. */
  readonly logId: string
  readonly relayUrls: readonly string[]
  /** Where each partition of a topic ends now: a state that is past it was filled from a longer log, and is dropped too. */
  readonly ends?: Readonly<Record<string, ReadonlyMap<number, number>>>
  /** Filled by the state with what it decides, and by whoever reads nostr.tombstones. */
  readonly tombstones: TombstoneSet
  readonly policy?: Policy
  readonly nowMs: () => number
}

/** An event of the log with its place. */
export interface PlacedEvent extends Place {
  readonly envelope: Envelope
}

/** A dead letter with its place; `event` is the one in it, if it lies under the event's id. */
export interface PlacedLetter extends Place {
  readonly key: string
  readonly event: NostrEvent | null
}

/** How far records of a topic are folded in. */
export interface Marks {
  readonly topic: string
  readonly moves: readonly WatermarkMove[]
}

const POLICY_SLICE_EVENTS = 5_000

/**
 * The deletion consumer's own store, a projection rebuilt from the log: who owns what, what is due, what was asked for, and which
 * records are still to be appended (a transactional outbox: they are decided in the transaction that moves the watermark, and sent
 * after it, again after a crash). LMDB with a sync at every commit. Methods throw what LMDB throws.
 */
export class DeletionState {
  readonly #tables: Tables
  readonly #options: DeletionStateOptions
  readonly #policy: Policy
  #meta: Meta

  private constructor(tables: Tables, options: DeletionStateOptions, meta: Meta) {
    this.#tables = tables
    this.#options = options
    this.#policy = options.policy ?? KEEP_ALL
    this.#meta = meta
  }

  static async open(options: DeletionStateOptions): Promise<DeletionState> {
    let tables = openTables(options.folder)
    const known = readMeta(tables)
    if (known !== null && !fits(known, options)) {
      await tables.root.close()
      rmSync(options.folder, { recursive: true })
      tables = openTables(options.folder)
    } else if (known !== null && known.erasedSinceMs !== null)
      tables = await compacted(tables, options.folder)
    const meta = { ...(readMeta(tables) ?? { ...EMPTY_META, logId: options.logId }), erasedSinceMs: null }
    const state = new DeletionState(tables, options, meta)
    // What was decided before a crash and may not be in the log yet holds all the same.
    for (const { outgoing } of state.outgoing(Number.MAX_SAFE_INTEGER))
      if (outgoing.type === 'tombstone') options.tombstones.apply(outgoing.tombstone)
    return state
  }

  get tombstones(): TombstoneSet {
    return this.#options.tombstones
  }

  get meta(): Meta {
    return this.#meta
  }

  get events(): number {
    return this.#tables.ids.getCount()
  }

  get outgoingRecords(): number {
    return this.#tables.outbox.getCount()
  }

  get openErasures(): number {
    return this.#tables.ledgerOpen.getCount()
  }

  /** Watermarks with the data: read from here, moved by the folds themselves. */
  get watermarks(): WatermarkStore {
    return {
      read: async (topic) => ok(this.#marksOf(topic)),
      write: async (topic, _logId, moves): Promise<Result<void>> => {
        if (moves.some((move) => (this.#markOf(topic, move.partition)?.nextOffset ?? -1) < move.nextOffset))
          this.#transact(() => {}, { topic, moves })
        return ok(undefined)
      },
    }
  }

  foldEvents(events: readonly PlacedEvent[], marks?: Marks): void {
    this.#transact((fold) => {
      for (const { envelope, ...place } of events) fold.event(envelope, place)
    }, marks)
  }

  foldTombstones(tombstones: readonly Tombstone[], marks?: Marks): void {
    this.#transact((fold) => {
      for (const tombstone of tombstones) fold.tombstone(tombstone)
    }, marks)
  }

  foldLetters(letters: readonly PlacedLetter[], marks?: Marks): void {
    this.#transact((fold) => {
      for (const { key, event, ...place } of letters) fold.letter(key, event, place)
    }, marks)
  }

  /** Nulls dead letters appended before `beforeS`, seconds since the Unix epoch. */
  foldAgedLetters(beforeS: number): void {
    if (this.#tables.letterKeys.getCount() > 0) this.#transact((fold) => fold.agedLetters(beforeS))
  }

  /** Takes what is due; answers how many of at most `countMax` it took. */
  foldDues(nowS: number, countMax: number, isOurs: (partition: number) => boolean): number {
    return this.#transact((fold) => fold.dues(nowS, countMax, isOurs))
  }

  /** Takes out more of what tombstones cover; answers whether some is left. */
  foldErasures(countMax: number): boolean {
    return this.#tables.erasing.getCount() > 0 && this.#transact((fold) => fold.erasures(countMax))
  }

  /** The oldest records that are still to be appended. */
  outgoing(countMax: number): readonly { readonly number: number; readonly outgoing: Outgoing }[] {
    return [...this.#tables.outbox.getRange({ limit: countMax })].map(({ key, value }) => ({
      number: key,
      outgoing: decodeOutgoing(value),
    }))
  }

  /** They are in the log. */
  sent(numbers: readonly number[], appended: readonly Appended[], nowMs: number): void {
    this.#transact(() => {
      for (const number of numbers) this.#tables.outbox.removeSync(number)
      for (const one of appended) noteAppended(this.#tables, one, nowMs)
    })
  }

  entry(requestId: string): LedgerEntry | null {
    return readEntry(this.#tables, requestId)
  }

  /** Tombstones that name the event, whoever they are bound to. */
  tombstonesOfEvent(id: string, countMax: number): readonly Tombstone[] {
    return tombstonesOfEvent(this.#tables, id, countMax)
  }

  entriesOf(author: string, countMax: number): readonly LedgerEntry[] {
    return entriesOf(this.#tables, author, countMax)
  }

  openEntries(countMax: number): readonly LedgerEntry[] {
    return openEntries(this.#tables, countMax)
  }

  /** Notes stages by request id; answers the entries afterwards. */
  noteStages(reached: ReadonlyMap<string, ReadonlySet<Stage>>, nowMs: number): readonly LedgerEntry[] {
    return this.#transact(() =>
      [...reached].flatMap(([requestId, stages]) => noteStages(this.#tables, requestId, stages, nowMs) ?? []),
    )
  }

  /** What is known of an event that the log holds. */
  find(id: string): EventFacts | undefined {
    return new Records(this.#tables, this.#policy).get(id)
  }

  /** Brings what is due in step with the policy; a policy that changed has every event looked at, in slices. */
  async applyPolicy(pause: () => Promise<void>, onProgress: (events: number) => void): Promise<void> {
    const policyKey = policyKeyOf(this.#policy)
    if (this.#meta.policyKey === policyKey) return
    let from: Buffer | null = null
    let events = 0
    do {
      const start: Buffer | null = from
      from = this.#transact(() =>
        new Records(this.#tables, this.#policy).remakeDues(start, POLICY_SLICE_EVENTS),
      )
      events += POLICY_SLICE_EVENTS
      onProgress(events)
      await pause()
    } while (from !== null)
    this.#transact(() => {}, undefined, { policyKey })
  }

  async close(): Promise<void> {
    await this.#tables.root.close()
  }

  #marksOf(topic: string): ReadonlyMap<number, Mark & { readonly logId: string }> {
    const { positions, logId } = this.#meta
    return new Map(
      Object.entries(positions[topic] ?? {}).map(([partition, mark]) => [
        Number(partition),
        { ...mark, logId },
      ]),
    )
  }

  #markOf(topic: string, partition: number): Mark | undefined {
    return this.#meta.positions[topic]?.[partition]
  }

  /** One transaction; the meta is this object's only once it is committed. */
  #transact<T>(change: (fold: Fold) => T, marks?: Marks, more: Partial<Meta> = {}): T {
    const { relayUrls, tombstones, nowMs } = this.#options
    const parts = { tables: this.#tables, tombstones, policy: this.#policy, relayUrls, nowMs: nowMs() }
    let after = this.#meta
    const answer = this.#tables.root.transactionSync(() => {
      const fold = new Fold(parts, this.#meta)
      const result = change(fold)
      after = { ...fold.finish(moved(this.#meta, marks)), ...more }
      writeMeta(this.#tables, after)
      return result
    })
    this.#meta = after
    return answer
  }
}

function moved(meta: Meta, marks: Marks | undefined): Meta {
  if (marks === undefined) return meta
  const { topic, moves } = marks
  const positions = { ...meta.positions[topic] }
  for (const { partition, nextOffset, appendedAtMs } of moves)
    if (nextOffset > (positions[partition]?.nextOffset ?? -1))
      positions[partition] = { nextOffset, appendedAtMs }
  return { ...meta, positions: { ...meta.positions, [topic]: positions } }
}

/** Free pages name events that are gone: what is left is copied, and the old file goes. A crash on the way leaves one of the two. */
async function compacted(tables: Tables, folder: string): Promise<Tables> {
  const next = `${folder}.next`
  rmSync(next, { recursive: true, force: true })
  mkdirSync(next, { recursive: true, mode: 0o700 })
  await tables.root.backup(next, true)
  await tables.root.close()
  renameSync(join(next, 'data.mdb'), join(folder, 'data.mdb'))
  rmSync(next, { recursive: true, force: true })
  rmSync(join(folder, 'lock.mdb'), { force: true })
  return openTables(folder)
}

function fits({ formatVersion, logId, positions }: Meta, options: DeletionStateOptions): boolean {
  if (formatVersion !== FORMAT_VERSION || logId !== options.logId) return false
  return Object.entries(options.ends ?? {}).every(([topic, ends]) =>
    Object.entries(positions[topic] ?? {}).every(
      ([partition, { nextOffset }]) => nextOffset <= (ends.get(Number(partition)) ?? 0),
    ),
  )
}
