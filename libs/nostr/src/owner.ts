import { err, invalid, ok, type Result } from '@millrace/kernel'
import type { NostrEvent } from './event.ts'
import { isHex64 } from './hex.ts'
import { isGiftWrap } from './kinds.ts'

/** Whether one of the event's valid `p` tags (64 lowercase hex) satisfies the test. */
export function somePTag(event: Pick<NostrEvent, 'tags'>, test: (pubkey: string) => boolean): boolean {
  for (const tag of event.tags) {
    if (tag[0] !== 'p') continue
    const pubkey = tag[1]
    if (isHex64(pubkey) && test(pubkey)) return true
  }
  return false
}

/**
 * Who the event belongs to, which decides its partition (DESIGN 2.3): its author, but for gift wraps (1059, 21059) the
 * recipient in the first valid `p` tag. Fault event-owner-missing for a gift wrap without one.
 */
export function ownerOf(event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags'>): Result<string> {
  if (!isGiftWrap(event.kind)) return ok(event.pubkey)
  for (const tag of event.tags) if (tag[0] === 'p' && isHex64(tag[1])) return ok(tag[1])
  return err(invalid('event-owner-missing', 'gift wrap without a recipient in a valid p tag'))
}
