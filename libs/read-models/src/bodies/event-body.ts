import { expirationOf } from '@millrace/nostr'
import type { ServedEvent } from '../event-reader.ts'
import type { OverlayEntry } from '../overlay/overlay-entry.ts'
import type { Position } from '../position.ts'

/** What finds an event by the primary key of the store. */
export interface EventKey extends Position {
  readonly pubkey: string
  readonly kind: number
}

/** An event as it is served, with what its visibility depends on. It follows from the id, so it never changes. */
export interface EventBody extends ServedEvent {
  /** Seconds since the Unix epoch; null: never (NIP-40). */
  readonly expirationS: number | null
}

export const bodyOfEntry = ({ event, json, partition, offset }: OverlayEntry): EventBody => ({
  id: event.id,
  pubkey: event.pubkey,
  kind: event.kind,
  createdAt: event.created_at,
  json,
  partition,
  offset,
  expirationS: expirationOf(event),
})
