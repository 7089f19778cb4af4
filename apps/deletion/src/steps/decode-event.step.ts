import { decodeEnvelope } from '@millrace/codec'
import type { LogRecord } from '@millrace/kafka'
import { assert } from '@millrace/kernel'
import { type Envelope, ownerOf, parseEvent } from '@millrace/nostr'
import { drop, type Outcome, ok } from '@millrace/pipeline'

/**
 * Value → envelope. What is not an event is storage's to refuse, once and with its reason: a dead letter of ours would take the place
 * of that one, which has the same key.
 */
export function decodeEvent({ key, value }: LogRecord): Outcome<Envelope> {
  assert(value !== null, 'null values are dropped before the first step')
  const envelope = decodeEnvelope(value)
  if (!envelope.ok) return drop('undecodable')
  const { event } = envelope.value
  const isSound = parseEvent(event).ok && ownerOf(event).ok && key?.toString('latin1') === event.id
  return isSound ? ok(envelope.value) : drop('malformed')
}
