import { hash } from 'node:crypto'
import { err, invalid, ok, type Result } from '@millrace/kernel'
import type { NostrEvent } from './event.ts'

/** Everything the id is computed from. */
export type UnsignedEvent = Omit<NostrEvent, 'id' | 'sig'>

/**
 * The serialisation whose SHA-256 is the id (NIP-01). The text names seven escapes and wants "all other characters
 * verbatim", while the whole must be JSON, which has no verbatim control characters. Clients and relays resolve this as
 * JSON.stringify does (`\u0001` for the rest below 0x20; DEL, U+2028 and astral characters verbatim), so this does too.
 */
export const canonicalJson = (event: UnsignedEvent): string =>
  `[0,"${event.pubkey}",${event.created_at},${event.kind},${JSON.stringify(event.tags)},${JSON.stringify(event.content)}]`

/** The event's id: 64 lowercase hex characters. */
export const eventId = (event: UnsignedEvent): string => hash('sha256', canonicalJson(event), 'hex')

/** Fault event-id-mismatch when the id is not the hash of the rest. */
export function checkEventId(event: NostrEvent): Result<void> {
  if (eventId(event) === event.id) return ok(undefined)
  return err(invalid('event-id-mismatch', 'id is not the hash of the event'))
}

/** The JSON that is served: NIP-01's seven fields in its order, without white space. */
export const eventJson = (event: NostrEvent): string =>
  `{"id":"${event.id}","pubkey":"${event.pubkey}","created_at":${event.created_at},"kind":${event.kind},` +
  `"tags":${JSON.stringify(event.tags)},"content":${JSON.stringify(event.content)},"sig":"${event.sig}"}`
