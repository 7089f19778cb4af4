import { mkdirSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'

/** The tables of the state, in one LMDB environment, so that one transaction spans them. */
export interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>
  /** `<owner><createdAt><id>` → facts under the author; empty under a recipient of a gift wrap. */
  readonly owned: Database<Buffer, Buffer>
  /** Id → `<pubkey><createdAt>`. */
  readonly ids: Database<Buffer, Buffer>
  /** `<address><createdAt><~id>` → nothing. */
  readonly versions: Database<Buffer, Buffer>
  /** `<second><reason><id>` → nothing. */
  readonly dues: Database<Buffer, Buffer>
  /** SHA-256 of the record key → the tombstone, as the log has it. */
  readonly tombstones: Database<Buffer, Buffer>
  /** `<target><request>` → SHA-256 of the record key of a tombstone that names the target. */
  readonly targets: Database<Buffer, Buffer>
  /** Id → facts of an event in the dead letters. */
  readonly letters: Database<Buffer, Buffer>
  /** Record key of a dead letter → its LogAppendTime, seconds since the Unix epoch as text. */
  readonly letterKeys: Database<Buffer, Buffer>
  /** Number → a tombstone whose events are still being taken out. */
  readonly erasing: Database<Buffer, number>
  /** Number → a record that is still to be appended. */
  readonly outbox: Database<Buffer, number>
  /** Request id → entry of the ledger. */
  readonly ledger: Database<Buffer, Buffer>
  /** `<author><createdAt><request>` → nothing. */
  readonly ledgerAuthors: Database<Buffer, Buffer>
  /** Request id → nothing, while a stage is missing. */
  readonly ledgerOpen: Database<Buffer, Buffer>
  readonly meta: Database<Buffer, Buffer>
}

/** Raised when the layout changes: a state of another format is rebuilt from the log. */
export const FORMAT_VERSION = 1
/** Address space, never memory: a thousand bytes an event is room for sixty million. */
const MAP_BYTES = 64 * 2 ** 30

/** With a sync at every commit: what the state says is appended and known survives the machine. */
export function openTables(folder: string): Tables {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const binary = { encoding: 'binary', cache: false } as const
  const root = open<Buffer, Buffer>({
    path: folder,
    keyEncoding: 'binary',
    ...binary,
    maxDbs: 16,
    mapSize: MAP_BYTES,
    overlappingSync: false,
  })
  const byBytes = (name: string) => root.openDB<Buffer, Buffer>(name, { keyEncoding: 'binary', ...binary })
  const byNumber = (name: string) => root.openDB<Buffer, number>(name, { keyEncoding: 'uint32', ...binary })
  return {
    root,
    owned: byBytes('owned'),
    ids: byBytes('ids'),
    versions: byBytes('versions'),
    dues: byBytes('dues'),
    tombstones: byBytes('tombstones'),
    targets: byBytes('targets'),
    letters: byBytes('letters'),
    letterKeys: byBytes('letter-keys'),
    erasing: byNumber('erasing'),
    outbox: byNumber('outbox'),
    ledger: byBytes('ledger'),
    ledgerAuthors: byBytes('ledger-authors'),
    ledgerOpen: byBytes('ledger-open'),
    meta: byBytes('meta'),
  }
}
