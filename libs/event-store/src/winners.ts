import { isNewerVersion } from '@millrace/nostr'
import { readCopy } from './chunks.ts'
import { isVersioned, winnerKey } from './list-keys.ts'
import type { StoredEvent } from './stored-event.ts'
import type { Tables } from './tables.ts'

/**
 * Where the current version of an address is: in the view, or in doubt (it was erased, and only the store knows whether an
 * older one rules now, see `Doubt`). What lies below the horizon has no row: all that it could hide lies there as well.
 */
export type Whereabouts = 'here' | 'in-doubt'

const CODES: readonly Whereabouts[] = ['here', 'in-doubt']

/** The newest version met at an address, unless it lies below the horizon. */
export interface Winner {
  readonly createdAt: number
  readonly id: string
  readonly sequence: number
  readonly whereabouts: Whereabouts
}

/** created_at (f64) · id (32) · sequence (u32) · whereabouts (u8) */
const WINNER_BYTES = 45

/** Null for an event without versions. */
export const winnerKeyOf = (event: Pick<StoredEvent, 'kind' | 'pubkey' | 'd'>): Buffer | null =>
  isVersioned(event.kind) ? winnerKey(event.kind, event.pubkey, event.d) : null

export function readWinner(tables: Pick<Tables, 'winners'>, key: Buffer): Winner | undefined {
  const bytes = readCopy(tables.winners, key)
  if (bytes === undefined) return undefined
  return {
    createdAt: bytes.readDoubleBE(0),
    id: bytes.toString('hex', 8, 40),
    sequence: bytes.readUInt32BE(40),
    whereabouts: CODES[bytes[44] ?? 0] ?? 'here',
  }
}

export function writeWinner(tables: Pick<Tables, 'winners'>, key: Buffer, winner: Winner): void {
  const bytes = Buffer.allocUnsafe(WINNER_BYTES)
  bytes.writeDoubleBE(winner.createdAt, 0)
  bytes.write(winner.id, 8, 32, 'hex')
  bytes.writeUInt32BE(winner.sequence, 40)
  bytes[44] = CODES.indexOf(winner.whereabouts)
  tables.winners.putSync(key, bytes)
}

/** Whether the event takes its address over from the winner; the same event again does not. */
export const takesOver = (event: Pick<StoredEvent, 'createdAt' | 'id'>, winner: Winner): boolean =>
  isNewerVersion(
    { created_at: event.createdAt, id: event.id },
    { created_at: winner.createdAt, id: winner.id },
  )
