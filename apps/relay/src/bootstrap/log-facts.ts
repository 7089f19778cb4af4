import { type Log, readLogId } from '@millrace/kafka'
import { backoffMs, delayMs, err, FaultError, fatal, ok, type Result, transient } from '@millrace/kernel'
import type { Logger } from '@millrace/observability'
import { TOPICS } from '@millrace/topics'

/** What the log says about itself at a start. */
export interface LogFacts {
  readonly logId: string
  /** N of DESIGN 2.3: what the topics have, never what a setting says. */
  readonly partitionCount: number
}

const TOPICS_OF_THE_EDGE = [TOPICS.events, TOPICS.ephemeral, TOPICS.tombstones] as const

/** Faults: log-id-missing, topic-mismatch (a topic is missing, or the three differ in partitions); both fatal. */
export async function logFacts(kafka: Log): Promise<Result<LogFacts>> {
  const admin = await kafka.admin()
  try {
    const counts: number[] = []
    for (const topic of TOPICS_OF_THE_EDGE) {
      const description = await admin.describeTopic(topic)
      if (description === null)
        return err(fatal('topic-mismatch', `topic ${topic} does not exist: run \`ctl topics apply\``))
      counts.push(description.partitionCount)
    }
    const [partitionCount = 0] = counts
    if (counts.some((count) => count !== partitionCount))
      return err(fatal('topic-mismatch', `${TOPICS_OF_THE_EDGE.join(', ')} differ in their partitions`))
    const logId = await readLogId(kafka)
    return logId.ok ? ok({ logId: logId.value, partitionCount }) : logId
  } finally {
    await admin.close()
  }
}

/** Repeats what needs Kafka until it succeeds, fails for good, or the signal aborts (fault shutting-down). */
export async function onceKafkaAnswers<T>(
  work: () => Promise<Result<T>>,
  log: Logger,
  signal: AbortSignal,
): Promise<Result<T>> {
  const waits = backoffMs({ initialMs: 100, maxMs: 2_000 })
  while (!signal.aborted) {
    const result = await attempt(work)
    if (result.ok || result.fault.kind === 'fatal') return result
    log.warn({ code: result.fault.code }, 'waiting for Kafka')
    await delayMs(waits.next().value, signal)
  }
  return err(transient('shutting-down', 'stopped while waiting for Kafka'))
}

/** Throwing means transient I/O here: before anything runs there is nothing that a bug could have damaged. */
async function attempt<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof FaultError) return err(cause.fault)
    return err(transient('kafka-unavailable', 'Kafka does not answer', cause))
  }
}
