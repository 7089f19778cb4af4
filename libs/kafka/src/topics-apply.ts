import { randomUUID } from 'node:crypto'
import { err, type Fault, FaultError, fatal, ok, type Result } from '@millrace/kernel'
import { partitionCountOf, TOPICS, type Topic, type TopicOptions } from '@millrace/topics'
import { findLogId, writeLogId } from './log-id.ts'
import type { Log, LogAdmin } from './port.ts'

export interface AppliedTopic {
  readonly name: string
  readonly action: 'created' | 'altered' | 'unchanged'
  /** `config: before → after`, for altered topics. */
  readonly changes: readonly string[]
}

export interface AppliedTopics {
  readonly topics: readonly AppliedTopic[]
  readonly logId: string
}

/**
 * Makes the cluster have every topic of the catalogue: creates, alters configs, and gives a new log its id. Fatal faults:
 * topic-mismatch for a changed partition count (nothing is touched then) or a config that Kafka refuses, log-id-missing
 * for a log that has events but no id. Transient: kafka-unavailable.
 */
export async function applyTopics(
  admin: LogAdmin,
  log: Log,
  topics: readonly Topic[],
  options: TopicOptions,
): Promise<Result<AppliedTopics, Fault>> {
  try {
    return await apply(admin, log, topics, options)
  } catch (error) {
    if (error instanceof FaultError) return err(error.fault)
    throw error
  }
}

async function apply(
  admin: LogAdmin,
  log: Log,
  topics: readonly Topic[],
  options: TopicOptions,
): Promise<Result<AppliedTopics, Fault>> {
  const refusal = await changedPartitionCount(admin, topics, options)
  if (refusal !== null) return err(refusal)
  const applied: AppliedTopic[] = []
  for (const topic of topics) applied.push(await applyTopic(admin, topic, options))
  const logId = await ensureLogId(admin, log)
  return logId.ok ? ok({ topics: applied, logId: logId.value }) : logId
}

async function changedPartitionCount(
  admin: LogAdmin,
  topics: readonly Topic[],
  options: TopicOptions,
): Promise<Fault | null> {
  for (const topic of topics) {
    const existing = await admin.describeTopic(topic.name)
    const wanted = partitionCountOf(topic, options)
    if (existing !== null && existing.partitionCount !== wanted)
      return fatal(
        'topic-mismatch',
        `${topic.name} has ${existing.partitionCount} partitions and the settings ask for ${wanted}: the count is fixed ` +
          'for the life of the log, because it decides where every owner lies',
      )
  }
  return null
}

async function applyTopic(admin: LogAdmin, topic: Topic, options: TopicOptions): Promise<AppliedTopic> {
  const { name, configs } = topic
  const existing = await admin.describeTopic(name)
  if (existing === null) {
    const { replicationFactor } = options
    await admin.createTopic({
      name,
      partitionCount: partitionCountOf(topic, options),
      replicationFactor,
      configs,
    })
    return { name, action: 'created', changes: [] }
  }
  const changes = Object.entries(configs)
    .filter(([key, value]) => existing.configs[key] !== value)
    .map(([key, value]) => `${key}: ${existing.configs[key] ?? '(unset)'} → ${value}`)
  if (changes.length === 0) return { name, action: 'unchanged', changes }
  await admin.alterTopicConfigs(name, configs)
  return { name, action: 'altered', changes }
}

async function ensureLogId(admin: LogAdmin, log: Log): Promise<Result<string, Fault>> {
  const { logId, contested } = await findLogId(log)
  if (logId !== null) return contested ? writeLogId(log, logId) : ok(logId)
  const offsets = await admin.offsets(TOPICS.events)
  if (offsets.some(({ end }) => end > 0))
    return err(
      fatal(
        'log-id-missing',
        `${TOPICS.events} holds records, but ${TOPICS.settings} has no log id: this is not a complete log of this platform. ` +
          `Restore ${TOPICS.settings} from its backup, or point KAFKA_BROKERS at another cluster`,
      ),
    )
  return writeLogId(log, randomUUID())
}
