import { isHex64 } from '@millrace/nostr'
import type { DeletionState, LedgerEntry } from '@millrace/projection-deletion'

/** A request with the followers that it still waits for. */
export interface LedgerAnswer {
  readonly requests: readonly (LedgerEntry & { readonly waitingFor: readonly string[] })[]
  /** Tombstones of the event, whoever asked for them; those of expirations and policies have no request. */
  readonly tombstones: readonly {
    readonly requestId: string
    readonly reason: string
    readonly recordedAtMs: number
  }[]
}

const ENTRIES_MAX = 1_000

/** GET /erasures/<id of a request or of an erased event, or pubkey>; null when it is none of them. */
export const ledgerRoute =
  (
    state: Pick<DeletionState, 'entry' | 'entriesOf' | 'tombstonesOfEvent'>,
    waitingFor: (entry: LedgerEntry) => readonly string[],
  ) =>
  (rest: string): LedgerAnswer | null => {
    if (!isHex64(rest)) return null
    const tombstones = state.tombstonesOfEvent(rest, ENTRIES_MAX)
    const ids = new Set([rest, ...tombstones.map(({ requestId }) => requestId)])
    const entries = [...ids].flatMap((id) => state.entry(id) ?? [])
    const requests = entries.length > 0 ? entries : state.entriesOf(rest, ENTRIES_MAX)
    return {
      requests: requests.map((entry) => ({ ...entry, waitingFor: waitingFor(entry) })),
      tombstones: tombstones.map(({ requestId, reason, recordedAtMs }) => ({
        requestId,
        reason,
        recordedAtMs,
      })),
    }
  }
