import { createRequire } from 'node:module'
import { assert } from '@millrace/kernel'

/*
 * What this adapter uses of kafkajs: its cluster layer (connections, TLS, SASL, metadata) and its group, admin and offset
 * requests. Its producer and its consumer runner are not used: they have no linger, retry for ever, wait for every
 * partition of a fetch, stall on emptied batches and reset to earliest in silence. kafkajs is pinned and has no exports
 * map; every module is checked when it is loaded.
 */

export interface ProtocolCall<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly expectResponse?: () => boolean
    readonly encode: () => Promise<unknown>
  }
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<T>
    readonly parse: (decoded: T) => Promise<T>
  }
  readonly requestTimeout?: number
}

export interface PartitionMetadata {
  readonly partitionId: number
  readonly leader: number
  readonly replicas: readonly number[]
}

export interface GroupMemberData {
  readonly memberId: string
  readonly memberMetadata: Buffer
}

interface TopicOffsets<P> {
  readonly topic: string
  readonly partitions: readonly P[]
}

export interface Broker {
  readonly connectionPool: { send<T>(call: ProtocolCall<T>): Promise<T> }
  initProducerId(request: {
    transactionTimeout: number
  }): Promise<{ producerId: string; producerEpoch: number }>
  joinGroup(request: {
    groupId: string
    sessionTimeout: number
    rebalanceTimeout: number
    memberId: string
    groupProtocols: readonly { name: string; metadata: Buffer }[]
  }): Promise<{
    generationId: number
    leaderId: string
    memberId: string
    members: readonly GroupMemberData[]
  }>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: readonly TopicOffsets<{ partition: number; offset: string }>[]
  }): Promise<unknown>
  offsetFetch(request: {
    groupId: string
    topics: readonly TopicOffsets<{ partition: number }>[]
  }): Promise<{ responses: readonly TopicOffsets<{ partition: number; offset: string }>[] }>
  listGroups(): Promise<{ groups: readonly { groupId: string }[] }>
  describeGroups(request: { groupIds: readonly string[] }): Promise<{
    groups: readonly {
      groupId: string
      state: string
      members: readonly { memberId: string; clientId: string; clientHost: string }[]
    }[]
  }>
  deleteGroups(groupIds: readonly string[]): Promise<unknown>
  createTopics(request: {
    topics: readonly {
      topic: string
      numPartitions: number
      replicationFactor: number
      configEntries: readonly { name: string; value: string }[]
    }[]
    timeout: number
  }): Promise<unknown>
  deleteTopics(request: { topics: readonly string[]; timeout: number }): Promise<unknown>
  describeConfigs(request: { resources: readonly { type: number; name: string }[] }): Promise<{
    resources: readonly {
      configEntries: readonly { configName: string; configValue: string | null; configSource: number }[]
    }[]
  }>
  metadata(topics: readonly string[]): Promise<{
    topicMetadata: readonly { topic: string; partitionMetadata: readonly PartitionMetadata[] }[]
  }>
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  findBroker(node: { nodeId: number | string }): Promise<Broker>
  findControllerBroker(): Promise<Broker>
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>
  getNodeIds(): readonly string[]
  fetchTopicsOffset(
    topics: readonly {
      topic: string
      partitions: readonly { partition: number }[]
      fromBeginning: boolean
    }[],
  ): Promise<readonly TopicOffsets<{ partition: number; offset: string }>[]>
}

export interface KafkajsLogEntry {
  readonly level: number
  readonly namespace: string
  readonly log: Readonly<Record<string, unknown>> & { readonly message: string }
}

/** kafkajs's own logger: opaque here, made from a function that takes entries. */
export type KafkajsLogger = { readonly namespace: unknown }

export interface RequestQueue {
  pending: unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const load = createRequire(import.meta.url)

const classOf = <T>(path: string, ...methods: string[]): T => {
  const loaded = load(path) as { prototype?: Record<string, unknown> }
  for (const method of methods)
    assert(typeof loaded.prototype?.[method] === 'function', `kafkajs 2.2.4: ${path} has ${method}()`)
  return loaded as T
}

export const KafkajsCluster = classOf<new (options: Record<string, unknown>) => Cluster>(
  'kafkajs/src/cluster',
  'addMultipleTargetTopics',
  'findBroker',
  'findGroupCoordinator',
  'fetchTopicsOffset',
)

export const KafkajsRequestQueue = classOf<{ prototype: RequestQueue }>(
  'kafkajs/src/network/requestQueue',
  'scheduleCheckPendingRequests',
  'checkPendingRequests',
)

export const KafkajsEncoder = classOf<new () => { writeBuffer(bytes: Buffer): unknown }>(
  'kafkajs/src/protocol/encoder',
  'writeBuffer',
)

const loggers = load('kafkajs/src/loggers') as {
  createLogger(options: { level: number; logCreator: () => (entry: KafkajsLogEntry) => void }): KafkajsLogger
  LEVELS: { readonly NOTHING: 0; readonly ERROR: number; readonly WARN: number; readonly INFO: number }
}
assert(typeof loggers.createLogger === 'function', 'kafkajs 2.2.4: loggers.createLogger exists')
export const KAFKAJS_LEVELS = loggers.LEVELS
export const createKafkajsLogger = loggers.createLogger

const assignerProtocol = load('kafkajs/src/consumer/assignerProtocol') as {
  MemberMetadata: {
    encode(metadata: { version: number; topics: readonly string[] }): Buffer
    decode(bytes: Buffer): { readonly topics: readonly string[] }
  }
  MemberAssignment: {
    encode(value: { version: number; assignment: Readonly<Record<string, readonly number[]>> }): Buffer
    decode(bytes: Buffer): { readonly assignment: Readonly<Record<string, readonly number[]>> } | null
  }
}
assert(
  typeof assignerProtocol.MemberAssignment?.decode === 'function',
  'kafkajs 2.2.4: MemberAssignment exists',
)
export const { MemberMetadata, MemberAssignment } = assignerProtocol
