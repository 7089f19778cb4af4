import type { Filter, NostrEvent, TombstoneSet } from '@millrace/nostr'
import { type Keep, ownCopy } from './arena.ts'
import { DoubtIndex } from './doubt-index.ts'
import { addressParts, type Doubt } from './doubts.ts'
import { currentGeneration, generationFolder } from './generations.ts'
import { winnerKey } from './list-keys.ts'
import { classesOf } from './plan.ts'
import { comparePositions, type Position } from './postings.ts'
import { type ScanContext, type ScanEnd, type ScanLimits, scan, type TakeStored } from './scan.ts'
import { StoredEvent } from './stored-event.ts'
import {
  emptyState,
  openEnvironment,
  readRecord,
  readStateIfChanged,
  type StateSnapshot,
  sequenceOfId,
  type Tables,
  type ViewState,
} from './tables.ts'
import { readWinner, takesOver, type Winner, winnerKeyOf } from './winners.ts'

export interface ViewPage {
  /** In served order. */
  readonly events: readonly StoredEvent[]
  readonly endsAt: ScanEnd
}

interface ViewSource {
  readonly folder: string
  readonly mapBytes: number
  generation: number
}

/** Answers from a view that somebody else may be writing: this process, another thread, another process. */
export class ViewReader {
  #tables: Tables
  readonly #source: ViewSource | null
  readonly #tombstones: TombstoneSet
  #snapshot: StateSnapshot
  #doubtIndex: DoubtIndex | null = null
  #isClosed = false

  /**
   * @param tombstones all tombstones of the log as far as this process has read them
   * @param source where to look for further generations; null: this object makes them
   */
  constructor(tables: Tables, tombstones: TombstoneSet, source: ViewSource | null) {
    this.#tables = tables
    this.#tombstones = tombstones
    this.#source = source
    this.#snapshot = readStateIfChanged(tables, null) ?? { state: emptyState(''), bytes: Buffer.alloc(0) }
  }

  /** A reader of a view that a `ServingView` elsewhere has open. @param mapBytes as the writer has it */
  static attach(folder: string, mapBytes: number, tombstones: TombstoneSet): ViewReader {
    const source = { folder, mapBytes, generation: generationNow(folder) }
    return new ViewReader(openGeneration(source), tombstones, source)
  }

  /** Changes between two turns of the event loop only: nobody may keep it. */
  protected get tables(): Tables {
    return this.#tables
  }

  /** Goes on in another file that says the same; answers the tables of the one before, which nobody reads any more. */
  protected moveTo(tables: Tables): Tables {
    const before = this.#tables
    this.#tables = tables
    this.#snapshot = readStateIfChanged(tables, this.#snapshot) ?? this.#snapshot
    return before
  }

  /**
   * Goes on in the current generation, after the writer has made one, and lets go of the file before. At once for whoever asks
   * this object, so that no read is cut in two; positions in served order hold in every generation.
   */
  async follow(): Promise<void> {
    const source = this.#source
    if (source === null || this.#isClosed) return
    const generation = generationNow(source.folder)
    if (generation === source.generation) return
    source.generation = generation
    await this.moveTo(openGeneration(source)).root.close()
  }

  get state(): Readonly<ViewState> {
    return this.#snapshot.state
  }

  /** Next offset of nostr.events by partition. */
  get positions(): ReadonlyMap<number, number> {
    return this.state.events
  }

  /** Next offset of nostr.tombstones by partition. */
  get tombstonePositions(): ReadonlyMap<number, number> {
    return this.state.tombstones
  }

  /** Whether something that a tombstone covers is still to be taken out, as far as this object knows. */
  get isErasing(): boolean {
    return false
  }

  /** Goes on to the last committed transaction; all reads up to the end of this turn of the event loop are of it. */
  refresh(): void {
    this.tables.root.resetReadTxn()
    this.#snapshot = readStateIfChanged(this.tables, this.#snapshot) ?? this.#snapshot
  }

  /**
   * Hands over the next matches of a filter; see `scan`. Complete down to `horizonFor(filter)`.
   *
   * @param isBehind whether tombstones are known that the view has not applied: then every event is checked
   */
  each(
    filter: Filter,
    after: Position | null,
    context: Omit<ScanContext, 'isErased'>,
    limits: ScanLimits,
    isBehind: boolean,
    take: TakeStored,
  ): ScanEnd {
    const isErased = isBehind || this.isErasing ? this.#isErased : undefined
    return scan(this.tables, filter, after, { ...context, isErased }, limits, take)
  }

  /** The same as a page of events that can be kept: for good, or as long as `keep` keeps them. */
  page(
    filter: Filter,
    after: Position | null,
    context: Omit<ScanContext, 'isErased'>,
    limits: ScanLimits,
    isBehind = false,
    keep: Keep = ownCopy,
  ): ViewPage {
    const events: StoredEvent[] = []
    const take = (event: StoredEvent) => events.push(event.copy(keep))
    return { endsAt: this.each(filter, after, context, limits, isBehind, take), events }
  }

  readonly #isErased = (stored: StoredEvent): boolean => {
    const event = stored.parse()
    return this.#tombstones.covers(event) || this.#tombstones.isBelowFloor(event)
  }

  /** The position down to which the view has every event that the filter matches, itself included; null: it has all. */
  horizonFor(filter: Filter): Position | null {
    const { regular, versioned } = classesOf(filter)
    const horizons = [
      regular ? this.state.regular.horizon : null,
      versioned ? this.state.versioned.horizon : null,
    ]
    const higher = horizons.filter((horizon) => horizon !== null).sort(comparePositions)[0]
    return higher === undefined || higher.createdAt < (filter.since ?? 0) ? null : higher
  }

  /** Whether everything that was applied and not erased is here: no event was left to the store. */
  get isWhole(): boolean {
    const { regular, versioned, addressesInDoubt } = this.state
    return regular.horizon === null && versioned.horizon === null && addressesInDoubt === 0
  }

  /** Whether the view may hold matches below `horizonFor(filter)` too: each of two classes has a horizon of its own. */
  reachesBelowHorizon(filter: Filter): boolean {
    const { regular, versioned } = classesOf(filter)
    return regular && versioned
  }

  /** Whether the filter may match a version that rules an address in doubt: the store has to be asked as well. */
  isInDoubt(filter: Filter): boolean {
    if (this.state.addressesInDoubt === 0 || !classesOf(filter).versioned) return false
    const isHere = (id: string) => sequenceOfId(this.tables, Buffer.from(id, 'hex')) !== undefined
    if (filter.ids?.every(isHere)) return false
    return this.#indexOfDoubts().mayMatch(filter)
  }

  /** Addresses in doubt, a bounded number of them. */
  get doubts(): readonly Doubt[] {
    return this.state.addressesInDoubt === 0 ? [] : this.#indexOfDoubts().doubts
  }

  #indexOfDoubts(): DoubtIndex {
    const { doubtsVersion } = this.state
    if (this.#doubtIndex?.version !== doubtsVersion)
      this.#doubtIndex = new DoubtIndex(this.tables, doubtsVersion)
    return this.#doubtIndex
  }

  /** Whether an applied event needs nobody else to be answered rightly: it is here, or a newer version is. */
  isSettled(event: NostrEvent): boolean {
    if (sequenceOfId(this.tables, Buffer.from(event.id, 'hex')) !== undefined) return true
    const key = winnerKeyOf(addressParts(event))
    const winner = key === null ? undefined : readWinner(this.tables, key)
    if (winner?.whereabouts !== 'here') return false
    if (takesOver({ createdAt: event.created_at, id: event.id }, winner)) return false
    // Erased, only not here yet: then the older event may rule.
    return !this.#tombstones.covers({ ...event, id: winner.id, created_at: winner.createdAt })
  }

  /** The newest version met at an address; undefined: none was, or it lies below the horizon. */
  winner(kind: number, pubkey: string, d: string): Winner | undefined {
    return readWinner(this.tables, winnerKey(kind, pubkey, d))
  }

  /** The event with this id, whoever asks. */
  find(id: string): StoredEvent | undefined {
    const sequence = sequenceOfId(this.tables, Buffer.from(id, 'hex'))
    return sequence === undefined ? undefined : new StoredEvent(readRecord(this.tables, sequence))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#tables.root.close()
  }
}

function generationNow(folder: string): number {
  const generation = currentGeneration(folder)
  if (generation === null) throw new Error(`there is no view in ${folder}`)
  return generation
}

const openGeneration = ({ folder, generation, mapBytes }: ViewSource): Tables =>
  openEnvironment(generationFolder(folder, generation), mapBytes)
