import { type Fault, FaultError, fatal, transient } from '@millrace/kernel'

/** Error codes of the Kafka protocol that this adapter tells apart (kafka.apache.org/protocol, "Error Codes"). */
export const CODES = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  topicAlreadyExists: 36,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidProducerIdMapping: 49,
  unknownProducerId: 59,
  invalidRecord: 87,
  producerFenced: 90,
} as const

const CAUSES_MAX = 5

function* causes(
  error: unknown,
): Generator<{ name?: unknown; type?: unknown; cause?: unknown; message?: unknown }> {
  let at = error
  for (let depth = 0; depth < CAUSES_MAX && typeof at === 'object' && at !== null; depth++) {
    yield at
    at = 'cause' in at ? at.cause : null
  }
}

/** The protocol's name of an error (UNKNOWN_MEMBER_ID …), or null for a broken connection and the like. */
export function protocolError(error: unknown): string | null {
  for (const { type } of causes(error)) if (typeof type === 'string') return type
  return null
}

const REFUSED = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SECURITY_DISABLED',
  'UNSUPPORTED_VERSION',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_GROUP_ID',
  'INCONSISTENT_GROUP_PROTOCOL',
])

/** What a failed call means for its caller: credentials and versions need an operator, the rest passes. */
export function faultOf(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault
  for (const { name, type, message } of causes(error)) {
    if (name === 'KafkaJSSASLAuthenticationError' || (typeof type === 'string' && REFUSED.has(type)))
      return fatal('configuration-invalid', `Kafka refuses this client: ${String(message)}`, error)
  }
  const message = error instanceof Error ? error.message : String(error)
  return transient('kafka-unavailable', `Kafka cannot be reached: ${message}`, error)
}

/** Whether the connections are to blame: an answer of the broker, even a refusal, shows that they work. */
export const isConnectionFailure = (error: unknown): boolean =>
  !(error instanceof FaultError) && protocolError(error) === null

export const missingTopic = (topics: readonly string[]): FaultError =>
  new FaultError(
    fatal(
      'topic-mismatch',
      `${topics.join(', ')}: a topic does not exist in Kafka; run \`ctl topics apply\``,
    ),
  )
