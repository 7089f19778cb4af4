import { delayMs } from '@millrace/kernel'
import type { Membership } from '../../consuming/backend.ts'
import { protocolError } from '../errors.ts'
import type { Broker, Cluster } from '../internals.ts'
import type { KafkaLogger } from '../kafka-logger.ts'
import { type Generation, joinGroup } from './group-protocol.ts'
import type { MembershipStrategy } from './membership.ts'

export interface GroupMembershipOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
}

/** A member has this long to give its partitions back and join again. */
const REBALANCE_TIMEOUT_MS = 60_000
const HEARTBEAT_MS_MAX = 1_000
const HEARTBEATS_PER_SESSION = 4

const REJOIN = new Set(['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'])

/** Shares the partitions with the other members of the group (classic protocol, eager rebalances). */
export class GroupMembership implements MembershipStrategy {
  readonly #options: GroupMembershipOptions
  readonly #connected: () => Promise<Cluster>
  readonly #log: KafkaLogger
  #generation: Generation | null = null
  #memberId = ''
  #heartbeats: AbortController | null = null

  /** `connected` gives heartbeats a cluster when the one they had is gone. */
  constructor(options: GroupMembershipOptions, connected: () => Promise<Cluster>, log: KafkaLogger) {
    this.#options = options
    this.#connected = connected
    this.#log = log
  }

  get author() {
    return { memberId: this.#memberId, generationId: this.#generation?.generationId ?? -1 }
  }

  async join(cluster: Cluster, signal: AbortSignal): Promise<Membership> {
    this.#heartbeats?.abort()
    const generation = await this.#joinOnce(cluster)
    this.#generation = generation
    this.#memberId = generation.memberId
    const heartbeats = new AbortController()
    this.#heartbeats = heartbeats
    if (signal.aborted) heartbeats.abort()
    return { partitions: generation.partitions, over: this.#beatUntilOver(generation, heartbeats.signal) }
  }

  async #joinOnce(cluster: Cluster): Promise<Generation> {
    try {
      return await joinGroup(cluster, {
        ...this.#options,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        memberId: this.#memberId,
      })
    } catch (error) {
      if (protocolError(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
      throw error
    }
  }

  /**
   * Resolves when the member has to join again: a rebalance, or no heartbeat got through for a whole session. Heartbeats
   * go on after that (until the next join), so that the member is not given up while it hands its partitions back.
   */
  #beatUntilOver(generation: Generation, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      void this.#beat(generation, signal, resolve)
    })
  }

  async #beat(generation: Generation, signal: AbortSignal, over: () => void): Promise<void> {
    const { groupId, sessionTimeoutMs } = this.#options
    const { memberId, generationId } = generation
    const intervalMs = Math.min(HEARTBEAT_MS_MAX, sessionTimeoutMs / HEARTBEATS_PER_SESSION)
    let coordinator = generation.coordinator
    let lastMs = performance.now()
    while (true) {
      await delayMs(intervalMs, signal)
      if (signal.aborted) return
      try {
        await coordinator.heartbeat({ groupId, groupGenerationId: generationId, memberId })
        lastMs = performance.now()
      } catch (error) {
        if (signal.aborted) return
        const reason = protocolError(error)
        if (performance.now() - lastMs > sessionTimeoutMs || (reason && REJOIN.has(reason))) {
          this.#log.info({ group: groupId, reason: reason ?? 'session lost' }, 'group assignment is over')
          if (reason === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
          over()
          if (reason !== 'REBALANCE_IN_PROGRESS') return
          lastMs = performance.now()
          continue
        }
        coordinator = await this.#findCoordinator().catch(() => coordinator)
      }
    }
  }

  async #findCoordinator(): Promise<Broker> {
    return await this.coordinator(await this.#connected())
  }

  coordinator(cluster: Cluster): Promise<Broker> {
    return cluster.findGroupCoordinator({ groupId: this.#options.groupId })
  }

  async leave(cluster: Cluster): Promise<void> {
    this.#heartbeats?.abort()
    if (this.#memberId === '') return
    const coordinator = await this.coordinator(cluster)
    await coordinator.leaveGroup({ groupId: this.#options.groupId, memberId: this.#memberId })
  }
}
