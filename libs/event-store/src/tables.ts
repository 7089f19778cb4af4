import { type Database, open, type RootDatabase } from 'lmdb'
import { ownCopy } from './arena.ts'
import { type PostingTable, readCopy } from './chunks.ts'
import type { Position } from './postings.ts'
import { idOfRecord } from './stored-event.ts'

/** The tables of a view, all in one LMDB environment, so that one transaction spans them. */
export interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>
  /** Sequence number → record. */
  readonly events: Database<Buffer, number>
  /** Id → sequence number (u32). */
  readonly ids: Database<Buffer, Buffer>
  readonly postings: PostingTable
  /** Address → current version, see `Winner`. */
  readonly winners: Database<Buffer, Buffer>
  /** Address → why its current version is in doubt, see `Doubt`. */
  readonly doubts: Database<Buffer, Buffer>
  readonly meta: Database<Buffer, Buffer>
}

/** Raised when the layout changes: a view of another format is rebuilt. */
export const FORMAT_VERSION = 3

/** Records of a kilobyte fill it better than 4 KiB, and a transaction touches fewer pages; 16 KiB brings little more. */
export const PAGE_BYTES = 8192

export interface Budget {
  readonly events: number
  /** Estimate of what the records and their postings take on disk. */
  readonly bytes: number
  /** The view is complete down to here, this position included; null: down to the oldest event. */
  readonly horizon: Position | null
}

/** What the view says about itself; written in the transaction that changes it. */
export interface ViewState {
  readonly formatVersion: number
  readonly logId: string
  readonly nextSequence: number
  readonly regular: Budget
  readonly versioned: Budget
  /** Addresses whose current version only the store can tell. */
  readonly addressesInDoubt: number
  /** Changes whenever a doubt arises, is put off or ends. */
  readonly doubtsVersion: number
  /** Next offset of nostr.events by partition: all before it is applied. */
  readonly events: ReadonlyMap<number, number>
  /** Next offset of nostr.tombstones by partition. */
  readonly tombstones: ReadonlyMap<number, number>
  /** Storage's next offset of nostr.events by partition, as it was last told. */
  readonly stored: ReadonlyMap<number, number>
}

const STATE_KEY = Buffer.from('state')

/**
 * Without sync: a killed process loses nothing, because its pages are the kernel's by then; a machine that stops may, and
 * then `openTables` finds another boot and the view is dropped. The map is address space, not memory. Pages are zeroed before
 * they are filled (no `noMemInit`): else what the process had in that memory, erased events too, would come into the file.
 */
export function openEnvironment(folder: string, mapBytes: number): Tables {
  const binary = { encoding: 'binary', cache: false } as const
  const root = open<Buffer, Buffer>({
    path: folder,
    keyEncoding: 'binary',
    ...binary,
    maxDbs: 8,
    maxReaders: 512,
    mapSize: mapBytes,
    pageSize: PAGE_BYTES,
    noSync: true,
  })
  return {
    root,
    events: root.openDB<Buffer, number>('events', { keyEncoding: 'uint32', ...binary }),
    ids: root.openDB<Buffer, Buffer>('ids', { keyEncoding: 'binary', ...binary }),
    postings: root.openDB<Buffer, Buffer>('postings', { keyEncoding: 'binary', ...binary }),
    winners: root.openDB<Buffer, Buffer>('winners', { keyEncoding: 'binary', ...binary }),
    doubts: root.openDB<Buffer, Buffer>('doubts', { keyEncoding: 'binary', ...binary }),
    meta: root.openDB<Buffer, Buffer>('meta', { keyEncoding: 'binary', ...binary }),
  }
}

const EMPTY_BUDGET: Budget = { events: 0, bytes: 0, horizon: null }

export const emptyState = (logId: string): ViewState => ({
  formatVersion: FORMAT_VERSION,
  logId,
  nextSequence: 0,
  regular: EMPTY_BUDGET,
  versioned: EMPTY_BUDGET,
  addressesInDoubt: 0,
  doubtsVersion: 0,
  events: new Map(),
  tombstones: new Map(),
  stored: new Map(),
})

interface BudgetJson extends Omit<Budget, 'horizon'> {
  readonly horizon: readonly [createdAt: number, id: string] | null
}

interface StateJson extends Omit<ViewState, 'regular' | 'versioned' | 'events' | 'tombstones' | 'stored'> {
  readonly regular: BudgetJson
  readonly versioned: BudgetJson
  readonly events: readonly (readonly [number, number])[]
  readonly tombstones: readonly (readonly [number, number])[]
  readonly stored: readonly (readonly [number, number])[]
}

const budgetJson = ({ horizon, ...rest }: Budget): BudgetJson => ({
  ...rest,
  horizon: horizon === null ? null : [horizon.createdAt, horizon.id.toString('hex')],
})

const budgetOf = ({ horizon, ...rest }: BudgetJson): Budget => ({
  ...rest,
  horizon: horizon === null ? null : { createdAt: horizon[0], id: Buffer.from(horizon[1], 'hex') },
})

/** A state with the bytes it was read from. */
export interface StateSnapshot {
  readonly state: ViewState
  readonly bytes: Buffer
}

/** The state as of the last transaction; null when it is the one known, or there is none. */
export function readStateIfChanged(tables: Tables, known: StateSnapshot | null): StateSnapshot | null {
  const shared = tables.meta.getBinaryFast(STATE_KEY)
  if (shared === undefined) return null
  if (known?.bytes.length === shared.length && known.bytes.compare(shared, 0, shared.length) === 0)
    return null
  const bytes = ownCopy(shared)
  return { state: stateOf(bytes), bytes }
}

/** The state as of the last transaction; null in a view that was never written. */
export function readState(tables: Tables): ViewState | null {
  const bytes = readCopy(tables.meta, STATE_KEY)
  return bytes === undefined ? null : stateOf(bytes)
}

function stateOf(bytes: Buffer): ViewState {
  const json = JSON.parse(bytes.toString()) as StateJson
  if (json.formatVersion !== FORMAT_VERSION) return { ...emptyState(''), formatVersion: json.formatVersion }
  return {
    ...json,
    regular: budgetOf(json.regular),
    versioned: budgetOf(json.versioned),
    events: new Map(json.events),
    tombstones: new Map(json.tombstones),
    stored: new Map(json.stored),
  }
}

export function writeState(tables: Tables, state: ViewState): void {
  const json: StateJson = {
    ...state,
    regular: budgetJson(state.regular),
    versioned: budgetJson(state.versioned),
    events: [...state.events],
    tombstones: [...state.tombstones],
    stored: [...state.stored],
  }
  tables.meta.putSync(STATE_KEY, Buffer.from(JSON.stringify(json)))
}

/** The record behind a sequence number until the next read of anything. Throws when there is none: the postings name it. */
export function lendRecord(tables: Tables, sequence: number): Buffer {
  const shared = tables.events.getBinaryFast(sequence)
  if (shared === undefined) throw new Error(`the view has no event ${sequence}, but a posting of it`)
  return shared
}

/** The same in a buffer of its own. */
export const readRecord = (tables: Tables, sequence: number): Buffer => ownCopy(lendRecord(tables, sequence))

/** The id of the event with this sequence number. */
export const readId = (tables: Tables, sequence: number): Buffer => idOfRecord(lendRecord(tables, sequence))

export function sequenceOfId(tables: Tables, id: Buffer): number | undefined {
  return tables.ids.getBinaryFast(id)?.readUInt32BE(0)
}

const IF_NEW = { noOverwrite: true } as const
const sequenceScratch = Buffer.allocUnsafe(4)

/** Gives an id its sequence number; false when it has one, which spares the get before the put. */
export function claimId(tables: Tables, id: Buffer, sequence: number): boolean {
  sequenceScratch.writeUInt32BE(sequence)
  // Its type says nothing, lmdb answers whether it has written.
  return tables.ids.putSync(id, sequenceScratch, IF_NEW) as unknown as boolean
}
