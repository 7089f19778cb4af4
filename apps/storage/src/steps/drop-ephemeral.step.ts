import { type Envelope, kindClass } from '@millrace/nostr'
import { drop, type Outcome, ok } from '@millrace/pipeline'

/** Ephemeral events are never stored (NIP-01): one in this topic is a writer's mistake, and no harm. */
export function dropEphemeral(envelope: Envelope): Outcome<Envelope> {
  return kindClass(envelope.event.kind) === 'ephemeral' ? drop('ephemeral') : ok(envelope)
}
