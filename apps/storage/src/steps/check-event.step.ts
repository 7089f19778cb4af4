import type { LogRecord } from '@millrace/kafka'
import { invalid } from '@millrace/kernel'
import { type Envelope, parseEvent } from '@millrace/nostr'
import { dead, type Outcome, ok } from '@millrace/pipeline'

/**
 * The exact shape of NIP-01, and the record key being the event's id: a foreign writer's mistake must not reach the
 * tables. Dead: event-malformed, event-too-large, record-undecodable.
 */
export function checkEvent(envelope: Envelope, { key }: LogRecord): Outcome<Envelope> {
  const event = parseEvent(envelope.event)
  if (!event.ok) return dead(event.fault)
  if (key?.toString('latin1') !== envelope.event.id)
    return dead(invalid('record-undecodable', 'the record key is not the id of its event'))
  return ok(envelope)
}
