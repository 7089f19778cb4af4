import type { Fault, FaultCode } from '@millrace/kernel'
import type { MessagePrefix, PrefixedMessage } from '@millrace/nostr'

/** Fault → the machine-readable prefix of OK and CLOSED (NIP-01, NIP-42); exhaustive by type. */
const PREFIXES: Readonly<Record<FaultCode, MessagePrefix>> = {
  'message-malformed': 'invalid',
  'message-too-large': 'invalid',
  'event-malformed': 'invalid',
  'event-too-large': 'invalid',
  'event-id-mismatch': 'invalid',
  'event-signature-invalid': 'invalid',
  'event-created-at-out-of-range': 'invalid',
  'event-expired': 'invalid',
  'event-kind-refused': 'invalid',
  'event-owner-missing': 'invalid',
  'event-protected': 'blocked',
  'event-superseded': 'duplicate',
  'event-deleted': 'blocked',
  'event-deletes-others': 'invalid',
  'event-vanish-malformed': 'invalid',
  'filter-malformed': 'invalid',
  'filter-too-large': 'invalid',
  'subscription-malformed': 'invalid',
  'subscriptions-too-many': 'error',
  'query-malformed': 'invalid',
  'not-found': 'error',
  'auth-required': 'auth-required',
  'auth-invalid': 'invalid',
  restricted: 'restricted',
  'rate-limited': 'rate-limited',
  'record-undecodable': 'error',
  'record-wrong-partition': 'error',
  'record-erased': 'error',
  'schema-unknown': 'error',
  'schema-incompatible': 'error',
  'log-foreign': 'error',
  'log-id-missing': 'error',
  'watermark-past-end': 'error',
  'topic-mismatch': 'error',
  'dead-letters-too-many': 'error',
  'kafka-unavailable': 'error',
  'kafka-fenced': 'error',
  'clickhouse-unavailable': 'error',
  'clickhouse-refused': 'error',
  'migration-mismatch': 'error',
  'overlay-full': 'error',
  'queue-full': 'rate-limited',
  timeout: 'error',
  'shutting-down': 'error',
  'consumer-stalled': 'error',
  'configuration-invalid': 'error',
  internal: 'error',
}

/** Faults whose message speaks to operators; clients get a sentence of their own. */
const CLIENT_TEXTS: Partial<Record<FaultCode, string>> = {
  'kafka-unavailable': 'the event could not be stored, try again later',
  'kafka-fenced': 'the event could not be stored, try again later',
  'clickhouse-unavailable': 'stored events are out of reach, try again later',
  'clickhouse-refused': 'the query could not be run',
  timeout: 'no answer in time, try again later',
  internal: 'the relay failed, try again later',
}

/** What OK false and CLOSED say about a fault. */
export const messageOf = (fault: Fault): PrefixedMessage =>
  `${PREFIXES[fault.code]}: ${CLIENT_TEXTS[fault.code] ?? fault.message}`
