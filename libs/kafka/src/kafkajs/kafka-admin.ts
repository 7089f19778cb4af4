import { delayMs, FaultError, fatal, transient } from '@millrace/kernel'
import type { GroupDescription, LogAdmin, Offset, TopicDescription, TopicSpec } from '../port.ts'
import type { ClusterHandle } from './cluster-handle.ts'
import { partitionRanges, partitionsOf } from './consume/partition-ranges.ts'
import { CODES, protocolError } from './errors.ts'
import type { Cluster } from './internals.ts'
import type { KafkaLogger } from './kafka-logger.ts'
import { alterTopicConfigsCall } from './protocol/incremental-alter-configs.ts'
import { retrying } from './retrying.ts'

const DEADLINE_MS = 10_000
const BROKER_TIMEOUT_MS = 5_000
const POLL_MS = 50
const TOPIC_RESOURCE = 2
/** describeConfigs: a value set on the topic itself, not a default of the broker. */
const DYNAMIC_TOPIC_CONFIG = 1

/** Topics, offsets and groups of a Kafka cluster. Calls reject with FaultError. */
export class KafkaAdmin implements LogAdmin {
  readonly #handle: ClusterHandle
  readonly #log: KafkaLogger

  constructor(handle: ClusterHandle, log: KafkaLogger) {
    this.#handle = handle
    this.#log = log
  }

  async #call<T>(topics: readonly string[], attempt: (cluster: Cluster) => Promise<T>): Promise<T> {
    const options = { handle: this.#handle, topics, log: this.#log, deadlineMs: DEADLINE_MS }
    return (await retrying(options, attempt)) as T
  }

  describeTopic(name: string): Promise<TopicDescription | null> {
    return this.#call([], (cluster) => describeTopic(cluster, name))
  }

  async createTopic({ name, partitionCount, replicationFactor, configs }: TopicSpec): Promise<void> {
    await this.#call([], async (cluster) => {
      const controller = await cluster.findControllerBroker()
      const configEntries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      const topic = { topic: name, numPartitions: partitionCount, replicationFactor, configEntries }
      await controller
        .createTopics({ topics: [topic], timeout: BROKER_TIMEOUT_MS })
        .catch(unless(name, 'TOPIC_ALREADY_EXISTS'))
    })
    // Metadata names a leader a moment before that broker takes requests: offsets are the proof.
    await this.offsets(name)
  }

  async #until(what: string, reached: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS
    while (!(await reached())) {
      if (performance.now() > deadlineMs) throw new FaultError(transient('kafka-unavailable', what))
      await delayMs(POLL_MS)
    }
  }

  async alterTopicConfigs(name: string, configs: Readonly<Record<string, string>>): Promise<void> {
    await this.#call([], async (cluster) => {
      const controller = await cluster.findControllerBroker()
      const answers = await controller.connectionPool.send(alterTopicConfigsCall(name, configs))
      const refused = answers.find(({ errorCode }) => errorCode !== CODES.none)
      if (refused)
        throw new FaultError(
          fatal('topic-mismatch', `${name}: ${refused.errorMessage || `code ${refused.errorCode}`}`),
        )
    })
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#call([], async (cluster) => {
      const controller = await cluster.findControllerBroker()
      await controller
        .deleteTopics({ topics: [name], timeout: BROKER_TIMEOUT_MS })
        .catch(unless(name, 'UNKNOWN_TOPIC_OR_PARTITION'))
    })
    await this.#until(`${name} is still there`, async () => (await this.describeTopic(name)) === null)
  }

  offsets(topic: string): Promise<readonly { partition: number; earliest: Offset; end: Offset }[]> {
    return this.#call([topic], async (cluster) => {
      const partitions = partitionsOf(cluster, [topic])
      const ranges = [...(await partitionRanges(cluster, partitions)).values()]
      return ranges.map((range, index) => ({ partition: partitions[index]?.partition ?? index, ...range }))
    })
  }

  groupOffsets(
    groupId: string,
    topic: string,
  ): Promise<readonly { partition: number; offset: Offset | null }[]> {
    return this.#call([topic], async (cluster) => {
      const partitions = partitionsOf(cluster, [topic]).map(({ partition }) => ({ partition }))
      const coordinator = await cluster.findGroupCoordinator({ groupId })
      const { responses } = await coordinator.offsetFetch({ groupId, topics: [{ topic, partitions }] })
      return responses
        .flatMap((response) => response.partitions)
        .map(({ partition, offset }) => ({ partition, offset: Number(offset) < 0 ? null : Number(offset) }))
        .sort((a, b) => a.partition - b.partition)
    })
  }

  describeGroups(): Promise<readonly GroupDescription[]> {
    return this.#call([], async (cluster) => {
      const perBroker = cluster.getNodeIds().map((nodeId) => groupsAt(cluster, nodeId))
      return (await Promise.all(perBroker)).flat()
    })
  }

  deleteGroup(groupId: string): Promise<void> {
    return this.#call([], async (cluster) => {
      const coordinator = await cluster.findGroupCoordinator({ groupId })
      await coordinator.deleteGroups([groupId]).catch((error: unknown) => {
        if (mentions(error, 'GROUP_ID_NOT_FOUND') === null && protocolError(error) !== 'GROUP_ID_NOT_FOUND')
          throw error
      })
    })
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** Passes over one error of the protocol: the call has what it wanted. */
const unless = (name: string, expected: string) => (error: unknown) => {
  if (expected === 'TOPIC_ALREADY_EXISTS' && mentions(error, expected)) return
  if (protocolError(error) === expected) return
  const detail = mentions(error, 'INVALID_') || mentions(error, 'POLICY_VIOLATION')
  if (detail) throw new FaultError(fatal('topic-mismatch', `${name}: ${detail}`, error))
  throw error
}

/** kafkajs reports failed creations as an aggregate with one error per topic. */
function mentions(error: unknown, typePrefix: string): string | null {
  const errors: readonly unknown[] =
    typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors)
      ? error.errors
      : [error]
  for (const each of errors)
    if (protocolError(each)?.startsWith(typePrefix)) return each instanceof Error ? each.message : typePrefix
  return null
}

async function describeTopic(cluster: Cluster, name: string): Promise<TopicDescription | null> {
  const broker = await cluster.findControllerBroker()
  try {
    const { topicMetadata } = await broker.metadata([name])
    const partitions = topicMetadata.flatMap(({ partitionMetadata }) => partitionMetadata)
    const { resources } = await broker.describeConfigs({ resources: [{ type: TOPIC_RESOURCE, name }] })
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    const own = entries.filter(({ configSource }) => configSource === DYNAMIC_TOPIC_CONFIG)
    return {
      name,
      partitionCount: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? 0,
      configs: Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue ?? ''])),
    }
  } catch (error) {
    if (protocolError(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null
    throw error
  }
}

async function groupsAt(cluster: Cluster, nodeId: string): Promise<readonly GroupDescription[]> {
  const broker = await cluster.findBroker({ nodeId })
  const { groups } = await broker.listGroups()
  if (groups.length === 0) return []
  const described = await broker.describeGroups({ groupIds: groups.map(({ groupId }) => groupId) })
  return described.groups.map(({ groupId, state, members }) => ({
    groupId,
    state,
    members: members.map(({ memberId, clientId, clientHost }) => ({ memberId, clientId, host: clientHost })),
  }))
}
