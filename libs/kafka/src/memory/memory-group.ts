import { assignPartitions } from '../consuming/assignor.ts'
import type { Membership } from '../consuming/backend.ts'
import type { Offset } from '../port.ts'

interface Member {
  readonly clientId: string
  /** Ends the member's current assignment. */
  end: () => void
  /** Set while the member waits for the others to join again. */
  admit: ((membership: Membership) => void) | null
}

/** A consumer group: every join and leave ends all assignments, and the last member to come back starts the next ones. */
export class MemoryGroup {
  readonly offsets = new Map<string, Offset>()
  readonly #members = new Map<string, Member>()
  /** Partitions per topic, as the member that joined last knows them. */
  #partitionCounts: ReadonlyMap<string, number> = new Map()

  get members(): readonly { memberId: string; clientId: string; host: string }[] {
    return [...this.#members].map(([memberId, { clientId }]) => ({ memberId, clientId, host: 'memory' }))
  }

  join(
    memberId: string,
    clientId: string,
    partitionCounts: ReadonlyMap<string, number>,
  ): Promise<Membership> {
    this.#partitionCounts = partitionCounts
    const known = this.#members.get(memberId)
    const member = known ?? { clientId, end: () => undefined, admit: null }
    this.#members.set(memberId, member)
    const admitted = new Promise<Membership>((resolve) => {
      member.admit = resolve
    })
    if (!known) this.#endAll()
    this.#admitWhenComplete()
    return admitted
  }

  leave(memberId: string): void {
    if (!this.#members.delete(memberId)) return
    this.#endAll()
    this.#admitWhenComplete()
  }

  #endAll(): void {
    for (const member of this.#members.values()) member.end()
  }

  #admitWhenComplete(): void {
    const members = [...this.#members]
    if (members.length === 0 || members.some(([, member]) => member.admit === null)) return
    const assignment = assignPartitions([...this.#members.keys()], this.#partitionCounts)
    for (const [memberId, member] of members) {
      const over = new Promise<void>((resolve) => {
        member.end = resolve
      })
      member.admit?.({ partitions: assignment.get(memberId) ?? [], over })
      member.admit = null
    }
  }
}
