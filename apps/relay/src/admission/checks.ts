import { err, type Fault, invalid, ok, type Result } from '@millrace/kernel'
import {
  isExpired,
  isProtected,
  KINDS,
  type NostrEvent,
  ownerOf,
  parseEvent,
  type TombstoneSet,
} from '@millrace/nostr'

/** What the checks without I/O need to know. */
export interface AdmissionRules {
  /** How far ahead of now created_at may lie, seconds. */
  readonly eventFutureMaxS: number
  /** How far back, seconds; 0 = any time. */
  readonly eventPastMaxS: number
  readonly tombstones: TombstoneSet
}

/** An older version of what is, or was, at its address. */
export const SUPERSEDED: Fault = invalid('event-superseded', 'replaced, have newer event')

const refuse = (code: Fault['code'], message: string): Result<never> => err(invalid(code, message))

const REPOST_KINDS: ReadonlySet<number> = new Set([6, 16])

/**
 * Everything that can be told from the event, its publisher and the tombstones alone; answers the owner.
 * @param authedPubkeys pubkeys the publisher proved (NIP-42)
 * @param nowS seconds since the Unix epoch
 */
export function checkAdmissible(
  event: NostrEvent,
  authedPubkeys: ReadonlySet<string>,
  nowS: number,
  rules: AdmissionRules,
): Result<string> {
  if (event.kind === KINDS.clientAuth || event.kind === KINDS.httpAuth)
    return refuse('event-kind-refused', `kind ${event.kind} authenticates and is not to be published`)
  if (event.created_at > nowS + rules.eventFutureMaxS)
    return refuse('event-created-at-out-of-range', 'created_at is too far in the future')
  if (rules.eventPastMaxS > 0 && event.created_at < nowS - rules.eventPastMaxS)
    return refuse('event-created-at-out-of-range', 'created_at is too far in the past')
  const owner = ownerOf(event)
  if (!owner.ok) return owner
  if (isExpired(event, nowS)) return refuse('event-expired', 'event has expired')
  const protection = checkProtection(event, authedPubkeys)
  if (!protection.ok) return protection
  const vanish = event.kind === KINDS.vanish ? checkVanish(event, nowS) : null
  if (vanish?.ok === false) return vanish
  if (rules.tombstones.covers(event)) return refuse('event-deleted', 'deleted')
  // What replaced it is gone itself, but it never comes back (DESIGN 2.5).
  if (rules.tombstones.isBelowFloor(event)) return err(SUPERSEDED)
  return owner
}

/** NIP-62: it says which relays it means, and never reaches beyond what its author can have written by now. */
function checkVanish(event: NostrEvent, nowS: number): Result<void> {
  if (!event.tags.some(([name, value]) => name === 'relay' && value !== undefined))
    return refuse(
      'event-vanish-malformed',
      'a request to vanish names its relays, or ALL_RELAYS, in relay tags',
    )
  if (event.created_at > nowS)
    return refuse('event-created-at-out-of-range', 'a request to vanish must not lie in the future')
  return ok(undefined)
}

/** NIP-70: protected events only from their author, and never embedded in a repost. */
function checkProtection(event: NostrEvent, authedPubkeys: ReadonlySet<string>): Result<void> {
  if (isProtected(event) && !authedPubkeys.has(event.pubkey)) {
    const message = 'this event may only be published by its author'
    return authedPubkeys.size === 0 ? refuse('auth-required', message) : refuse('restricted', message)
  }
  if (REPOST_KINDS.has(event.kind) && embedsProtected(event.content))
    return refuse('event-protected', 'a repost must not embed a protected event')
  return ok(undefined)
}

function embedsProtected(content: string): boolean {
  if (!content.includes('"-"')) return false
  try {
    const embedded = parseEvent(JSON.parse(content))
    return embedded.ok && isProtected(embedded.value)
  } catch {
    return false
  }
}
