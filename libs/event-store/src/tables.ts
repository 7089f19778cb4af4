import { type Database, open, type RootDatabase } from 'lmdb'
import { type PostingTable, readCopy } from './chunks.ts'
import type { Position } from './postings.ts'

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
  readonly meta: Database<Buffer, Buffer>
}

/** Raised when the layout changes: a view of another format is rebuilt. */
export const FORMAT_VERSION = 1

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
  /** Next offset of nostr.events by partition: all before it is applied. */
  readonly events: ReadonlyMap<number, number>
  /** Next offset of nostr.tombstones by partition. */
  readonly tombstones: ReadonlyMap<number, number>
}

const STATE_KEY = Buffer.from('state')

/**
 * Without sync: a killed process loses nothing, because its pages are the kernel's by then; a machine that stops may, and
 * then `openTables` finds another boot and the view is dropped. The map is address space, not memory.
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
    noSync: true,
    noMemInit: true,
  })
  return {
    root,
    events: root.openDB<Buffer, number>('events', { keyEncoding: 'uint32', ...binary }),
    ids: root.openDB<Buffer, Buffer>('ids', { keyEncoding: 'binary', ...binary }),
    postings: root.openDB<Buffer, Buffer>('postings', { keyEncoding: 'binary', ...binary }),
    winners: root.openDB<Buffer, Buffer>('winners', { keyEncoding: 'binary', ...binary }),
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
  events: new Map(),
  tombstones: new Map(),
})

interface BudgetJson extends Omit<Budget, 'horizon'> {
  readonly horizon: readonly [createdAt: number, id: string] | null
}

interface StateJson extends Omit<ViewState, 'regular' | 'versioned' | 'events' | 'tombstones'> {
  readonly regular: BudgetJson
  readonly versioned: BudgetJson
  readonly events: readonly (readonly [number, number])[]
  readonly tombstones: readonly (readonly [number, number])[]
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
  const bytes = Buffer.allocUnsafe(shared.length)
  shared.copy(bytes, 0, 0, shared.length)
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
  }
}

export function writeState(tables: Tables, state: ViewState): void {
  const json: StateJson = {
    ...state,
    regular: budgetJson(state.regular),
    versioned: budgetJson(state.versioned),
    events: [...state.events],
    tombstones: [...state.tombstones],
  }
  tables.meta.putSync(STATE_KEY, Buffer.from(JSON.stringify(json)))
}

/** The record behind a sequence number, in a buffer of its own. Throws when there is none: the postings name it. */
export function readRecord(tables: Tables, sequence: number): Buffer {
  const shared = tables.events.getBinaryFast(sequence)
  if (shared === undefined) throw new Error(`the view has no event ${sequence}, but a posting of it`)
  const record = Buffer.allocUnsafe(shared.length)
  shared.copy(record, 0, 0, shared.length)
  return record
}

/** The id of the event with this sequence number. */
export function readId(tables: Tables, sequence: number): Buffer {
  const shared = tables.events.getBinaryFast(sequence)
  if (shared === undefined) throw new Error(`the view has no event ${sequence}, but a posting of it`)
  return Buffer.from(shared.subarray(0, 32))
}

export function sequenceOfId(tables: Tables, id: Buffer): number | undefined {
  return tables.ids.getBinaryFast(id)?.readUInt32BE(0)
}
