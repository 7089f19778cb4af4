import { KINDS, type NostrEvent, type Tombstone } from '@millrace/nostr'
import type { Place } from './facts.ts'
import { idBytes, ledgerAuthorKey, ownerRange, readOwnedKey } from './keys.ts'
import { pagesOf } from './pages.ts'
import type { Tables } from './tables.ts'

/** The stages of an erasure after its tombstones are in the log, in the order in which they are told. */
export const STAGES = ['edges', 'view', 'clickhouseLogical', 'clickhousePhysical', 'log'] as const
export type Stage = (typeof STAGES)[number]

/** One request for erasure and how far it is; times in milliseconds since the Unix epoch, null: not yet. */
export interface LedgerEntry {
  readonly requestId: string
  readonly author: string
  readonly kind: number
  /** The request's own claim, seconds since the Unix epoch. */
  readonly createdAt: number
  /** When the log took the request in. */
  readonly receivedAtMs: number
  readonly tombstonedAtMs: number | null
  /** Highest offset of its tombstones in nostr.tombstones by partition; empty when they were found there. */
  readonly tombstones: Readonly<Record<string, number>>
  /** Events taken out of nostr.events because of it, so far. */
  readonly erasedEvents: number
  /** Highest offset of its nulls in nostr.events by partition. */
  readonly nulls: Readonly<Record<string, number>>
  /** An erased event by partition, at whose offset the log is looked at: once that is compacted away, the others are. */
  readonly probes: Readonly<Record<string, number>>
  readonly stages: Readonly<Record<Stage, number | null>>
}

const NOTHING = Buffer.alloc(0)
const NO_STAGES: LedgerEntry['stages'] = {
  edges: null,
  view: null,
  clickhouseLogical: null,
  clickhousePhysical: null,
  log: null,
}

export function readEntry({ ledger }: Tables, requestId: string): LedgerEntry | null {
  const value = ledger.get(idBytes(requestId))
  return value === undefined ? null : (JSON.parse(value.toString()) as LedgerEntry)
}

function writeEntry(tables: Tables, entry: LedgerEntry): void {
  const key = idBytes(entry.requestId)
  tables.ledger.putSync(key, Buffer.from(JSON.stringify(entry)))
  if (isOpen(entry)) tables.ledgerOpen.putSync(key, NOTHING)
  else tables.ledgerOpen.removeSync(key)
}

export const isOpen = ({ tombstonedAtMs, stages }: LedgerEntry): boolean =>
  tombstonedAtMs === null || STAGES.some((stage) => stages[stage] === null)

/** When everything was absent; null while something is not. */
export const absentAtMs = (entry: LedgerEntry): number | null =>
  isOpen(entry) ? null : Math.max(...STAGES.map((stage) => entry.stages[stage] ?? 0))

/** Begins the entry of a kind 5 or 62; one that is there stays. */
export function openEntry(tables: Tables, request: NostrEvent, { appendedAtMs }: Place): void {
  if (readEntry(tables, request.id) !== null) return
  const { id: requestId, pubkey: author, kind, created_at: createdAt } = request
  tables.ledgerAuthors.putSync(ledgerAuthorKey(author, createdAt, requestId), NOTHING)
  writeEntry(tables, {
    requestId,
    author,
    kind,
    createdAt,
    receivedAtMs: appendedAtMs,
    tombstonedAtMs: null,
    tombstones: {},
    erasedEvents: 0,
    nulls: {},
    probes: {},
    stages: NO_STAGES,
  })
}

/** A tombstone of the request was in the log before the state knew the request. */
export function noteWritten(tables: Tables, { requestId, recordedAtMs }: Tombstone): void {
  const entry = readEntry(tables, requestId)
  if (entry !== null)
    writeEntry(tables, { ...entry, tombstonedAtMs: Math.max(entry.tombstonedAtMs ?? 0, recordedAtMs) })
}

/** What one round of appends did for one request. */
export interface Appended {
  readonly requestId: string
  readonly tombstones: ReadonlyMap<number, number>
  readonly nulls: ReadonlyMap<number, number>
  readonly probes: ReadonlyMap<number, number>
  readonly erasedEvents: number
}

export function noteAppended(tables: Tables, appended: Appended, nowMs: number): void {
  const entry = readEntry(tables, appended.requestId)
  if (entry === null) return
  writeEntry(tables, {
    ...entry,
    tombstonedAtMs: appended.tombstones.size > 0 ? nowMs : entry.tombstonedAtMs,
    tombstones: raised(entry.tombstones, appended.tombstones),
    nulls: raised(entry.nulls, appended.nulls),
    probes: raised(entry.probes, appended.probes),
    erasedEvents: entry.erasedEvents + appended.erasedEvents,
    // More to compact than when it was looked at.
    stages: appended.nulls.size > 0 ? { ...entry.stages, log: null } : entry.stages,
  })
}

const raised = (
  known: Readonly<Record<string, number>>,
  more: ReadonlyMap<number, number>,
): Readonly<Record<string, number>> => {
  const all = { ...known }
  for (const [partition, offset] of more) all[partition] = Math.max(all[partition] ?? -1, offset)
  return all
}

/** Sets the stages that an entry has reached; those that are set stay. */
export function noteStages(
  tables: Tables,
  requestId: string,
  reached: ReadonlySet<Stage>,
  nowMs: number,
): LedgerEntry | null {
  const entry = readEntry(tables, requestId)
  if (entry === null) return null
  const fresh = STAGES.filter((stage) => reached.has(stage) && entry.stages[stage] === null)
  if (fresh.length === 0) return entry
  const stages = { ...entry.stages, ...Object.fromEntries(fresh.map((stage) => [stage, nowMs])) }
  const after = { ...entry, stages }
  writeEntry(tables, after)
  return after
}

/** Entries with a stage missing, by request id, at most `countMax`. */
export function openEntries(tables: Tables, countMax: number): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = []
  for (const key of tables.ledgerOpen.getKeys({ limit: countMax })) {
    const entry = readEntry(tables, key.toString('hex'))
    if (entry !== null) entries.push(entry)
  }
  return entries
}

/** Requests of one author, oldest first, at most `countMax`. */
export function entriesOf(tables: Tables, author: string, countMax: number): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = []
  for (const key of pagesOf(tables.ledgerAuthors, ownerRange(author, Number.MAX_SAFE_INTEGER))) {
    if (entries.length === countMax) break
    const entry = readEntry(tables, readOwnedKey(key).id)
    if (entry !== null) entries.push(entry)
  }
  return entries
}

export const isVanish = ({ kind }: Pick<LedgerEntry, 'kind'>): boolean => kind === KINDS.vanish
