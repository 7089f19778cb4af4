import { decodeDeadLetter, decodeEnvelope } from '@millrace/codec'
import type { LogRecord } from '@millrace/kafka'
import { assert } from '@millrace/kernel'
import { type NostrEvent, parseEvent } from '@millrace/nostr'
import { drop, type Outcome, ok } from '@millrace/pipeline'

/** Dead letter → the event in it, where it lies under the event's id: only so can a null erase it. */
export function decodeLetter({ key, value }: LogRecord): Outcome<NostrEvent> {
  assert(value !== null, 'null values are dropped before the first step')
  const letter = decodeDeadLetter(value)
  if (!letter.ok || letter.value.recordValue === null) return drop('no-event')
  const envelope = decodeEnvelope(letter.value.recordValue)
  if (!envelope.ok || !parseEvent(envelope.value.event).ok) return drop('no-event')
  const { event } = envelope.value
  return key?.toString('latin1') === event.id ? ok(event) : drop('no-event')
}
