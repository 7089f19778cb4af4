import { backoffMs, delayMs, FaultError } from '@millrace/kernel'
import type { ClusterHandle } from './cluster-handle.ts'
import { faultOf, missingTopic, protocolError } from './errors.ts'
import type { Cluster } from './internals.ts'
import type { KafkaLogger } from './kafka-logger.ts'

export interface RetryOptions {
  readonly handle: ClusterHandle
  readonly topics: readonly string[]
  readonly log: KafkaLogger
  /** Without a deadline it goes on until the signal aborts. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** A new topic may take a moment to reach every broker; after that it does not exist. */
const UNKNOWN_TOPIC_GRACE_MS = 2_000

/**
 * Runs `attempt` on a connected cluster until it succeeds, on fresh connections after a broken one. Null when the signal
 * aborts. Rejects with FaultError: what waiting cannot mend, or the last transient fault at the deadline.
 */
export async function retrying<T>(
  { handle, topics, log, deadlineMs, signal }: RetryOptions,
  attempt: (cluster: Cluster) => Promise<T>,
): Promise<T | null> {
  const startedMs = performance.now()
  const waits = backoffMs({ initialMs: 50, maxMs: 1_000 })
  while (!signal?.aborted) {
    try {
      return await attempt(await handle.connected(topics))
    } catch (error) {
      const elapsedMs = performance.now() - startedMs
      if (protocolError(error) === 'UNKNOWN_TOPIC_OR_PARTITION' && elapsedMs > UNKNOWN_TOPIC_GRACE_MS)
        throw missingTopic(topics)
      const fault = faultOf(error)
      const late = deadlineMs !== undefined && elapsedMs > deadlineMs
      if (fault.kind !== 'transient' || late || fault.code === 'shutting-down') throw new FaultError(fault)
      await handle.mend(error)
      log.debug({ err: error, topics }, 'Kafka call failed, trying again')
      await delayMs(waits.next().value, signal)
    }
  }
  return null
}
