import { delayMs, FaultError } from '@millrace/kernel'
import type { ConsumerBackend, Membership, PartitionRange } from '../../consuming/backend.ts'
import type { ResolvedConsumerOptions } from '../../consuming/group-consumer.ts'
import type { Lane } from '../../consuming/lane.ts'
import type { Notice } from '../../consuming/notice.ts'
import type { Offset, TopicPartition } from '../../port.ts'
import type { ClusterHandle } from '../cluster-handle.ts'
import { faultOf } from '../errors.ts'
import type { KafkaLogger } from '../kafka-logger.ts'
import { retrying } from '../retrying.ts'
import { ExclusiveMembership } from './exclusive-membership.ts'
import { FetchLoop } from './fetch-loop.ts'
import { GroupMembership } from './group-membership.ts'
import type { MembershipStrategy } from './membership.ts'
import { partitionRanges } from './partition-ranges.ts'
import { untilAborted } from './until-aborted.ts'

const LEAVE_MS_MAX = 2_000

/** A consumer's hold on a Kafka cluster: membership, offsets and fetches over connections of its own. */
export class KafkaBackend implements ConsumerBackend {
  readonly #handle: ClusterHandle
  readonly #options: ResolvedConsumerOptions
  readonly #log: KafkaLogger
  readonly #membership: MembershipStrategy
  readonly #fetches: FetchLoop

  constructor(handle: ClusterHandle, options: ResolvedConsumerOptions, log: KafkaLogger) {
    const { groupId, topics, exclusive, maxWaitMs, restMs, fetchBytesMax } = options
    this.#handle = handle
    this.#options = options
    this.#log = log
    this.#membership = exclusive
      ? new ExclusiveMembership(groupId, topics, log)
      : new GroupMembership(options, () => handle.connected(topics), log)
    this.#fetches = new FetchLoop(handle, { topics, maxWaitMs, restMs, fetchBytesMax }, log)
  }

  join(signal: AbortSignal): Promise<Membership | null> {
    const { topics } = this.#options
    const joining = retrying({ handle: this.#handle, topics, log: this.#log, signal }, (cluster) =>
      this.#membership.join(cluster, signal),
    )
    return untilAborted(joining, signal)
  }

  async ranges(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, PartitionRange>> {
    const cluster = await this.#handle.connected(this.#options.topics)
    try {
      return await partitionRanges(cluster, partitions)
    } catch (error) {
      await this.#handle.mend(error)
      throw new FaultError(faultOf(error))
    }
  }

  read(lanes: readonly Lane[], notice: Notice, signal: AbortSignal): Promise<void> {
    return this.#fetches.run(lanes, notice, signal)
  }

  async commit(positions: readonly (TopicPartition & { readonly offset: Offset })[]): Promise<void> {
    const { groupId, topics } = this.#options
    const { memberId, generationId } = this.#membership.author
    try {
      const coordinator = await this.#membership.coordinator(await this.#handle.connected(topics))
      await coordinator.offsetCommit({
        groupId,
        memberId,
        groupGenerationId: generationId,
        topics: [...Map.groupBy(positions, ({ topic }) => topic)].map(([topic, group]) => ({
          topic,
          partitions: group.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
        })),
      })
    } catch (error) {
      this.#log.debug({ err: error, group: groupId }, 'offset commit failed; the store has the watermark')
    }
  }

  async close(): Promise<void> {
    const leaving = this.#handle
      .connected(this.#options.topics)
      .then((cluster) => this.#membership.leave(cluster))
      .catch((error: unknown) => this.#log.debug({ err: error }, 'leaving the group failed'))
    const patience = new AbortController()
    await Promise.race([leaving, delayMs(LEAVE_MS_MAX, patience.signal)])
    patience.abort()
    await Promise.race([this.#handle.close(), delayMs(LEAVE_MS_MAX)])
  }
}
