import { decodeDeadLetter, decodeEnvelope } from '@millrace/codec'
import type { LogRecord } from '@millrace/kafka'
import { assert } from '@millrace/kernel'
import { type NostrEvent, parseEvent } from '@millrace/nostr'
import { type Outcome, ok } from '@millrace/pipeline'

export interface Letter {
  /** Of the record. */
  readonly key: string
  /** The refused event, where the letter lies under its id: only so can a null erase it. */
  readonly event: NostrEvent | null
}

/** Dead letter → its key and the event in it. */
export function decodeLetter({ key, value }: LogRecord): Outcome<Letter> {
  assert(value !== null, 'null values are dropped before the first step')
  const text = key?.toString('latin1') ?? ''
  const letter = decodeDeadLetter(value)
  if (!letter.ok || letter.value.recordValue === null) return ok({ key: text, event: null })
  const envelope = decodeEnvelope(letter.value.recordValue)
  if (!envelope.ok || !parseEvent(envelope.value.event).ok) return ok({ key: text, event: null })
  const { event } = envelope.value
  return ok({ key: text, event: text === event.id ? event : null })
}
