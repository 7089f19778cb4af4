import type { LogAdmin } from '@millrace/kafka'
import type { LedgerEntry, Stage } from '@millrace/projection-deletion'
import { TOPICS } from '@millrace/topics'

/** The groups that follow nostr.tombstones, by what a committed offset of theirs says. */
const STAGE_GROUPS: readonly (readonly [Exclude<Stage, 'log'>, string])[] = [
  ['edges', 'fanout.'],
  ['view', 'view.'],
  ['clickhouseLogical', 'storage.tombstones.'],
  ['clickhousePhysical', 'storage.erasure.'],
]

/** How far every follower of the tombstones is: stage → group → partition → next offset. */
export class GroupProgress {
  readonly #offsets: ReadonlyMap<Stage, ReadonlyMap<string, ReadonlyMap<number, number>>>

  private constructor(offsets: ReadonlyMap<Stage, ReadonlyMap<string, ReadonlyMap<number, number>>>) {
    this.#offsets = offsets
  }

  static async read(admin: Pick<LogAdmin, 'describeGroups' | 'groupOffsets'>): Promise<GroupProgress> {
    const groups = (await admin.describeGroups()).map(({ groupId }) => groupId)
    const offsets = new Map<Stage, ReadonlyMap<string, ReadonlyMap<number, number>>>()
    for (const [stage, prefix] of STAGE_GROUPS) {
      const byGroup = new Map<string, ReadonlyMap<number, number>>()
      for (const group of groups.filter((id) => id.startsWith(prefix))) {
        const committed = await admin.groupOffsets(group, TOPICS.tombstones)
        byGroup.set(group, new Map(committed.map(({ partition, offset }) => [partition, offset ?? 0])))
      }
      offsets.set(stage, byGroup)
    }
    return new GroupProgress(offsets)
  }

  /** The stages at which every follower there is has taken in the entry's tombstones. Edges without a view have none to wait for. */
  reached({ tombstonedAtMs, tombstones }: LedgerEntry): ReadonlySet<Stage> {
    const reached = new Set<Stage>()
    if (tombstonedAtMs === null) return reached
    for (const [stage] of STAGE_GROUPS) {
      const groups = this.#offsets.get(stage) ?? new Map()
      if (groups.size === 0 && stage !== 'view') continue
      if ([...groups.values()].every((committed) => hasPassed(committed, tombstones))) reached.add(stage)
    }
    if (!reached.has('edges')) reached.delete('view')
    return reached
  }

  /** Followers that the entry still waits for. */
  waitingFor({ tombstones }: LedgerEntry): readonly string[] {
    return [...this.#offsets.values()].flatMap((groups) =>
      [...groups].flatMap(([group, committed]) => (hasPassed(committed, tombstones) ? [] : [group])),
    )
  }
}

const hasPassed = (
  committed: ReadonlyMap<number, number>,
  offsets: Readonly<Record<string, number>>,
): boolean =>
  Object.entries(offsets).every(([partition, offset]) => (committed.get(Number(partition)) ?? 0) > offset)
