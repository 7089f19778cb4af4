import type { Envelope, TombstoneSet } from '@millrace/nostr'
import { drop, type Outcome, ok } from '@millrace/pipeline'

/** What a tombstone or a floor covers is not stored again (DESIGN 2.6). */
export const dropErased = (tombstones: TombstoneSet) =>
  function dropErased(envelope: Envelope): Outcome<Envelope> {
    if (tombstones.covers(envelope.event)) return drop('tombstoned')
    if (tombstones.isBelowFloor(envelope.event)) return drop('below-floor')
    return ok(envelope)
  }
