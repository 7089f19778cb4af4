import { decodeEnvelope } from '@millrace/codec'
import type { LogRecord } from '@millrace/kafka'
import { assert } from '@millrace/kernel'
import type { Envelope } from '@millrace/nostr'
import { dead, type Outcome, ok } from '@millrace/pipeline'

/** Value → envelope. Dead: record-undecodable, schema-unknown. */
export function decodeEvent(record: LogRecord): Outcome<Envelope> {
  assert(record.value !== null, 'null values are dropped before the first step')
  const envelope = decodeEnvelope(record.value)
  return envelope.ok ? ok(envelope.value) : dead(envelope.fault)
}
