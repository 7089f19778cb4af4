import { type Envelope, kindClass } from '@millrace/nostr'
import { drop, type Outcome, ok } from '@millrace/pipeline'

/** Nobody stores one: a writer's mistake in this topic, without effect. */
export function dropEphemeral(envelope: Envelope): Outcome<Envelope> {
  return kindClass(envelope.event.kind) === 'ephemeral' ? drop('ephemeral') : ok(envelope)
}
