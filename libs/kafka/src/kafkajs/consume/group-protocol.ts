import { ASSIGNOR_NAME, assignPartitions } from '../../consuming/assignor.ts'
import type { TopicPartition } from '../../port.ts'
import { type Broker, type Cluster, MemberAssignment, MemberMetadata } from '../internals.ts'
import { partitionsOf } from './partition-ranges.ts'

/** A member's place in one generation of its group. */
export interface Generation {
  readonly coordinator: Broker
  readonly generationId: number
  readonly memberId: string
  readonly partitions: readonly TopicPartition[]
}

export interface JoinRequest {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Empty for a newcomer. */
  readonly memberId: string
}

const PROTOCOL_VERSION = 0

/** JoinGroup and SyncGroup of the classic (eager) group protocol; the leader assigns. */
export async function joinGroup(cluster: Cluster, request: JoinRequest): Promise<Generation> {
  const { groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = request
  const coordinator = await cluster.findGroupCoordinator({ groupId })
  const metadata = MemberMetadata.encode({ version: PROTOCOL_VERSION, topics })
  const joined = await coordinator.joinGroup({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: rebalanceTimeoutMs,
    memberId: request.memberId,
    groupProtocols: [{ name: ASSIGNOR_NAME, metadata }],
  })
  const { generationId, memberId } = joined
  const groupAssignment = joined.leaderId === memberId ? await assign(cluster, joined.members, topics) : []
  const { memberAssignment } = await coordinator.syncGroup({
    groupId,
    generationId,
    memberId,
    groupAssignment,
  })
  return { coordinator, generationId, memberId, partitions: decodeAssignment(memberAssignment) }
}

async function assign(
  cluster: Cluster,
  members: readonly { readonly memberId: string }[],
  topics: readonly string[],
) {
  await cluster.refreshMetadata()
  const counts = new Map(topics.map((topic) => [topic, partitionsOf(cluster, [topic]).length]))
  const assignment = assignPartitions(
    members.map(({ memberId }) => memberId),
    counts,
  )
  return [...assignment].map(([memberId, partitions]) => ({
    memberId,
    memberAssignment: MemberAssignment.encode({
      version: PROTOCOL_VERSION,
      assignment: Object.fromEntries(
        [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, group]) => [
          topic,
          group.map(({ partition }) => partition),
        ]),
      ),
    }),
  }))
}

function decodeAssignment(bytes: Buffer): readonly TopicPartition[] {
  const { assignment = {} } = MemberAssignment.decode(bytes) ?? {}
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
