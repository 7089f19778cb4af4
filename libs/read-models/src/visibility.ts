import {
  addressOf,
  GUARDED_KINDS,
  isExpired,
  isNewerVersion,
  mayRead,
  type TombstoneSet,
} from '@millrace/nostr'
import type { EventBody } from './bodies/event-body.ts'
import type { ReadContext } from './event-reader.ts'
import type { OverlayEntry } from './overlay/overlay-entry.ts'
import type { OverlayView, Visibility } from './overlay/overlay-view.ts'
import { RowEvent } from './row-event.ts'
import { isVersionedKind } from './sql/kind-class.ts'
import type { StoredVersion } from './sql/stored-keys.ts'

/** What the asker may see of the overlay's events; see DESIGN 2.5 to 2.7. */
export const visibilityFor = (
  { authedPubkeys, nowS }: Pick<ReadContext, 'authedPubkeys' | 'nowS'>,
  tombstones: TombstoneSet,
): Visibility => ({
  counts: (event) => !tombstones.covers(event),
  shows: (event) =>
    !tombstones.isBelowFloor(event) && !isExpired(event, nowS) && mayRead(event, authedPubkeys),
})

/** Whether an event of the store that matches a filter, and is the store's version of its address, is visible. */
export function isBodyVisible(
  body: EventBody,
  { authedPubkeys, nowS }: Pick<ReadContext, 'authedPubkeys' | 'nowS'>,
  tombstones: TombstoneSet,
  view: OverlayView,
): boolean {
  if (body.expirationS !== null && body.expirationS <= nowS) return false
  const event = new RowEvent(body)
  if (GUARDED_KINDS.has(body.kind) && !mayRead(event, authedPubkeys)) return false
  if (tombstones.size > 0 && (tombstones.covers(event) || tombstones.isBelowFloor(event))) return false
  if (view.isEmpty || !isVersionedKind(body.kind)) return true
  const address = addressOf(event)
  if (address === null) return true
  const newest = view.winner(address, (version) => !tombstones.covers(version))
  return newest === undefined || !isNewerVersion(newest.event, event)
}

/** Whether the store holds a newer version that counts, so that the overlay's is history. */
export function isSuperseded(
  entry: OverlayEntry,
  versions: ReadonlyMap<string, StoredVersion>,
  tombstones: TombstoneSet,
): boolean {
  const stored = entry.address === null ? undefined : versions.get(entry.address)
  if (stored === undefined || !doesCount(stored, tombstones)) return false
  return isNewerVersion({ created_at: stored.createdAt, id: stored.id }, entry.event)
}

/** Whether no tombstone covers a stored version, so that it takes part in choosing the current one. */
export const doesCount = (stored: StoredVersion, tombstones: TombstoneSet): boolean =>
  tombstones.size === 0 ||
  !tombstones.covers({
    id: stored.id,
    pubkey: stored.pubkey,
    kind: stored.kind,
    created_at: stored.createdAt,
    tags: [['d', stored.d]],
    content: '',
    sig: '',
  })
