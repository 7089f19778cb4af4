import { type Fault, fatal, invalid, transient } from '@millrace/kernel'
import { CODES } from '../errors.ts'

/** What the broker's answer for one partition means. */
export type Verdict =
  | { readonly kind: 'acknowledged' }
  /** Not written, or not yet acknowledged: the same bytes again. */
  | { readonly kind: 'again' }
  /** Not written, because the batch as a whole is too large. */
  | { readonly kind: 'too-large' }
  /** Not written, and it never will be. */
  | { readonly kind: 'refused'; readonly fault: Fault }
  /** The producer's numbering is broken: its session is over. */
  | { readonly kind: 'session-over'; readonly fault: Fault }

const SESSION_OVER: ReadonlySet<number> = new Set([
  CODES.outOfOrderSequence,
  CODES.duplicateSequence,
  CODES.invalidProducerEpoch,
  CODES.invalidProducerIdMapping,
  CODES.unknownProducerId,
  CODES.producerFenced,
])

/** Codes without a meaning of their own here are passing states of the cluster: leadership, replicas, storage. */
export function verdictOf(errorCode: number): Verdict {
  if (errorCode === CODES.none) return { kind: 'acknowledged' }
  if (errorCode === CODES.messageTooLarge || errorCode === CODES.recordListTooLarge)
    return { kind: 'too-large' }
  if (SESSION_OVER.has(errorCode))
    return {
      kind: 'session-over',
      fault: transient('kafka-fenced', `the broker refused the producer's numbering (code ${errorCode})`),
    }
  if (errorCode === CODES.topicAuthorizationFailed || errorCode === CODES.clusterAuthorizationFailed)
    return {
      kind: 'refused',
      fault: fatal('configuration-invalid', 'Kafka does not allow this client to write'),
    }
  if (errorCode === CODES.invalidRecord)
    return { kind: 'refused', fault: fatal('internal', 'the broker refused the record as invalid') }
  return { kind: 'again' }
}

export const tooLarge: Fault = invalid('message-too-large', 'the record is larger than the topic takes')
