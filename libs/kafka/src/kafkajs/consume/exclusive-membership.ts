import type { Membership } from '../../consuming/backend.ts'
import type { Broker, Cluster } from '../internals.ts'
import type { KafkaLogger } from '../kafka-logger.ts'
import type { MembershipStrategy } from './membership.ts'
import { partitionsOf } from './partition-ranges.ts'

/**
 * A process that owns its group needs no coordination: it takes every partition at once, with no join delay, session or
 * rebalance, and the group id only names its committed offsets (a standalone consumer in Kafka's terms). Members that
 * somebody left in the group would make the broker refuse those commits, so they are removed first.
 */
export class ExclusiveMembership implements MembershipStrategy {
  readonly author = { memberId: '', generationId: -1 }
  readonly #groupId: string
  readonly #topics: readonly string[]
  readonly #log: KafkaLogger

  constructor(groupId: string, topics: readonly string[], log: KafkaLogger) {
    this.#groupId = groupId
    this.#topics = topics
    this.#log = log
  }

  async join(cluster: Cluster): Promise<Membership> {
    await this.#removeMembers(cluster)
    return { partitions: partitionsOf(cluster, this.#topics), over: new Promise(() => undefined) }
  }

  coordinator(cluster: Cluster): Promise<Broker> {
    return cluster.findGroupCoordinator({ groupId: this.#groupId })
  }

  async #removeMembers(cluster: Cluster): Promise<void> {
    const groupId = this.#groupId
    const coordinator = await this.coordinator(cluster)
    const { groups } = await coordinator.describeGroups({ groupIds: [groupId] })
    for (const { memberId } of groups.flatMap(({ members }) => members)) {
      this.#log.info({ group: groupId, member: memberId }, 'removing a left-over group member')
      await coordinator.leaveGroup({ groupId, memberId })
    }
  }

  async leave(): Promise<void> {}
}
