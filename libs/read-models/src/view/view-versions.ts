import type { ViewReader } from '@millrace/event-store'
import { addressOf, isNewerVersion, type TombstoneSet } from '@millrace/nostr'
import type { CurrentVersion, ServedEvent } from '../event-reader.ts'
import { RowEvent } from '../row-event.ts'
import { isVersionedKind } from '../sql/kind-class.ts'
import { type Address, parseAddress } from '../sql/statement.ts'
import { doesCount } from '../visibility.ts'

/**
 * The version that the view names at an address; undefined: there was none; 'in-doubt': only the store can tell, because the one met
 * is erased, perhaps not in the view yet, or because there may be one below the horizon.
 */
export function versionInView(
  view: ViewReader,
  at: Address,
  tombstones: TombstoneSet,
): CurrentVersion | 'in-doubt' | undefined {
  const winner = view.winner(at.kind, at.pubkey, at.d)
  if (winner === undefined) return view.state.versioned.horizon === null ? undefined : 'in-doubt'
  const { id, createdAt, whereabouts } = winner
  if (whereabouts === 'in-doubt' || !doesCount({ ...at, id, createdAt }, tombstones)) return 'in-doubt'
  return { id, createdAt }
}

/** Whether `held` is newer than the event; in doubt it is not. */
export function isSuperseded(
  event: { readonly id: string; readonly created_at: number },
  held: CurrentVersion | 'in-doubt' | undefined,
): boolean {
  if (held === undefined || held === 'in-doubt') return false
  return isNewerVersion({ id: held.id, created_at: held.createdAt }, event)
}

/** Whether the view names a newer version of the served event's address. */
export function isSupersededInView(view: ViewReader, served: ServedEvent, tombstones: TombstoneSet): boolean {
  if (!isVersionedKind(served.kind)) return false
  const event = new RowEvent(served)
  const address = addressOf(event)
  return address !== null && isSuperseded(event, versionInView(view, parseAddress(address), tombstones))
}

export function newerVersion(
  a: CurrentVersion | undefined,
  b: CurrentVersion | undefined,
): CurrentVersion | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const isNewer = isNewerVersion({ created_at: a.createdAt, id: a.id }, { created_at: b.createdAt, id: b.id })
  return isNewer ? a : b
}
