import type { Clock } from '@millrace/kernel'
import { isExpired, kindClass, type TombstoneSet } from '@millrace/nostr'
import type { OverlayRecord } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import type { Fanout } from './fanout.ts'
import type { LogPositions } from './log-positions.ts'

export interface OwnEventsParts {
  readonly fanout: Fanout
  readonly tombstones: TombstoneSet
  readonly positions: LogPositions
  readonly clock: Clock
  readonly partitionCount: number
  /** Ids that the fanout remembers. */
  readonly recentIdsMax: number
}

/**
 * Passes on what this edge itself has appended, right after its OK: the log's reader brings it a few milliseconds later, and then the
 * fanout knows it. Versions are left to that reader, which finds out whether a newer one rules.
 */
export class OwnEvents {
  readonly #parts: OwnEventsParts
  /** Offsets that the log's reader may be behind: past it the fanout could have forgotten an event when the log brings it. */
  readonly #behindMax: number
  #acked: OverlayRecord[] = []

  constructor(parts: OwnEventsParts) {
    this.#parts = parts
    this.#behindMax = Math.floor(parts.recentIdsMax / (2 * parts.partitionCount))
  }

  /** Takes an event that is durable and in the overlay. */
  readonly take = (record: OverlayRecord): void => {
    const { fanout, positions } = this.#parts
    if (fanout.size === 0 || kindClass(record.event.kind) !== 'regular') return
    const behind = record.offset - (positions.get(TOPICS.events, record.partition) ?? 0)
    if (behind > this.#behindMax) return
    // The OKs of all that one append brought go first.
    if (this.#acked.push(record) === 1) setImmediate(this.#passOn)
  }

  readonly #passOn = (): void => {
    const acked = this.#acked
    this.#acked = []
    const { fanout, tombstones, clock } = this.#parts
    const nowS = clock.nowS()
    for (const { event, json } of acked)
      if (!tombstones.covers(event) && !isExpired(event, nowS)) fanout.deliver(event, () => json)
  }
}
