/**
 * Every fault code of the system; a closed union, so that the two translation tables (fault → NIP-01 prefix in
 * the relay, fault → problem+json in the query API) are exhaustive by type.
 */
export const FAULT_CODES = [
  // what a client or an input file sent
  'message-malformed',
  'message-too-large',
  'event-malformed',
  'event-too-large',
  'event-id-mismatch',
  'event-signature-invalid',
  'event-created-at-out-of-range',
  'event-expired',
  'event-kind-refused',
  'event-owner-missing',
  'event-protected',
  'event-superseded',
  'event-deleted',
  'event-deletes-others',
  'event-vanish-malformed',
  'filter-malformed',
  'filter-too-large',
  'subscription-malformed',
  'subscriptions-too-many',
  'query-malformed',
  'not-found',
  // who asks
  'auth-required',
  'auth-invalid',
  'restricted',
  'rate-limited',
  // the log and its records
  'record-undecodable',
  'record-wrong-partition',
  'record-erased',
  'schema-unknown',
  'schema-incompatible',
  'log-foreign',
  'log-id-missing',
  'watermark-past-end',
  'topic-mismatch',
  'dead-letters-too-many',
  // parts that are away, full or misconfigured
  'kafka-unavailable',
  'kafka-fenced',
  'clickhouse-unavailable',
  'clickhouse-refused',
  'migration-mismatch',
  'overlay-full',
  'queue-full',
  'timeout',
  'shutting-down',
  'consumer-stalled',
  'configuration-invalid',
  'internal',
] as const

export type FaultCode = (typeof FAULT_CODES)[number]

/**
 * invalid: the input is wrong and stays wrong; transient: the same call may succeed later; fatal: an operator has
 * to act, the process stops with exit code 78 (EX_CONFIG) instead of retrying.
 */
export type FaultKind = 'invalid' | 'transient' | 'fatal'

export interface Fault {
  readonly code: FaultCode
  readonly kind: FaultKind
  /** One sentence for the person who has to act on it; never event content. */
  readonly message: string
  readonly cause?: unknown
}

const make = (kind: FaultKind, code: FaultCode, message: string, cause?: unknown): Fault =>
  cause === undefined ? { code, kind, message } : { code, kind, message, cause }

export const invalid = (code: FaultCode, message: string, cause?: unknown): Fault =>
  make('invalid', code, message, cause)

export const transient = (code: FaultCode, message: string, cause?: unknown): Fault =>
  make('transient', code, message, cause)

export const fatal = (code: FaultCode, message: string, cause?: unknown): Fault =>
  make('fatal', code, message, cause)

/** The exit code of a process stopped by a fatal fault: a supervisor must not restart it blindly (sysexits.h). */
export const EXIT_FATAL = 78
