import type { Log } from '@millrace/kafka'
import type { LedgerEntry } from '@millrace/projection-deletion'
import { TOPICS } from '@millrace/topics'

/** A null in nostr.events and an event that it erased, in one partition. */
interface Probe {
  readonly nullOffset: number
  readonly eventOffset: number
}

/** Up to this null everything is compacted away; since when that was seen. */
interface Mark {
  readonly nullOffset: number
  readonly seenAtMs: number
}

/**
 * Tells how far the cleaner has come, by looking whether erased events are still at their offsets. The cleaner goes through a partition
 * from its beginning, so the probes are gone in the order of their nulls: the newest one that is gone is searched by halves.
 */
export class CleanedLog {
  readonly #log: Pick<Log, 'readToEnd'>
  /** How long a cleaned segment stays on disk as `*.deleted`, milliseconds. */
  readonly #deleteDelayMs: number
  readonly #marks = new Map<number, Mark[]>()

  constructor(log: Pick<Log, 'readToEnd'>, deleteDelayMs: number) {
    this.#log = log
    this.#deleteDelayMs = deleteDelayMs
  }

  async look(entries: readonly LedgerEntry[], nowMs: number): Promise<void> {
    for (const [partition, probes] of probesOf(entries)) {
      const gone = await this.#newestGone(partition, probes)
      if (gone === null) continue
      const marks = this.#marks.get(partition) ?? []
      if (gone.nullOffset <= (marks.at(-1)?.nullOffset ?? -1)) continue
      // Marks that have come of age say no more than the newest of them.
      const young = marks.filter(({ seenAtMs }) => seenAtMs + this.#deleteDelayMs > nowMs)
      const aged = marks.filter((mark) => !young.includes(mark)).slice(-1)
      this.#marks.set(partition, [...aged, ...young, { nullOffset: gone.nullOffset, seenAtMs: nowMs }])
    }
  }

  /** Whether no file of the log holds what the entry erased. */
  isClean({ tombstonedAtMs, nulls }: LedgerEntry, nowMs: number): boolean {
    if (tombstonedAtMs === null) return false
    return Object.entries(nulls).every(([partition, offset]) =>
      (this.#marks.get(Number(partition)) ?? []).some(
        ({ nullOffset, seenAtMs }) => nullOffset >= offset && seenAtMs + this.#deleteDelayMs <= nowMs,
      ),
    )
  }

  async #newestGone(partition: number, probes: readonly Probe[]): Promise<Probe | null> {
    let low = 0
    let high = probes.length
    while (low < high) {
      const middle = (low + high) >> 1
      const probe = probes[middle] as Probe
      if (await this.#isGone(partition, probe.eventOffset)) low = middle + 1
      else high = middle
    }
    return probes[low - 1] ?? null
  }

  async #isGone(partition: number, offset: number): Promise<boolean> {
    let isThere = false
    await this.#log.readToEnd(
      TOPICS.events,
      ({ records }) => {
        isThere ||= records.some((record) => record.offset === offset)
      },
      new Map([[partition, { from: offset, until: offset + 1 }]]),
    )
    return !isThere
  }
}

/** By partition, in the order of their nulls. */
function probesOf(entries: readonly LedgerEntry[]): ReadonlyMap<number, readonly Probe[]> {
  const probes = new Map<number, Probe[]>()
  for (const { nulls, probes: events, stages } of entries) {
    if (stages.log !== null) continue
    for (const [partition, nullOffset] of Object.entries(nulls)) {
      const eventOffset = events[partition]
      if (eventOffset === undefined) continue
      const known = probes.get(Number(partition)) ?? []
      known.push({ nullOffset, eventOffset })
      probes.set(Number(partition), known)
    }
  }
  for (const list of probes.values()) list.sort((a, b) => a.nullOffset - b.nullOffset)
  return probes
}
