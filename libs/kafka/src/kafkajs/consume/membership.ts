import type { Membership } from '../../consuming/backend.ts'
import type { Broker, Cluster } from '../internals.ts'

/** How a consumer comes by its partitions. */
export interface MembershipStrategy {
  /** One attempt; rejects when it fails. */
  join(cluster: Cluster, signal: AbortSignal): Promise<Membership>
  /** What an offset commit names as its author. */
  readonly author: { readonly memberId: string; readonly generationId: number }
  /** The coordinator, looked up when it is not known. */
  coordinator(cluster: Cluster): Promise<Broker>
  leave(cluster: Cluster): Promise<void>
}
