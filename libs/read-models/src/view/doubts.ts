import type { Doubt, LoggedEvent, Settlement, ViewReader } from '@millrace/event-store'
import { ok, type Result } from '@millrace/kernel'
import type { NostrEvent, TombstoneSet } from '@millrace/nostr'
import type { ServedEvent } from '../event-reader.ts'
import type { Position } from '../position.ts'

export interface DoubtsParts {
  /** Null: no view serves. */
  readonly view: () => ViewReader | null
  readonly tombstones: TombstoneSet
  /** Versions of the address older than a position, newest first, superseded ones too; none: there are no more. */
  readonly olderVersions: (doubt: Doubt, before: Position) => Promise<Result<readonly ServedEvent[]>>
  /** Storage's next offsets by partition, from the store as it is now. */
  readonly stored: () => Promise<Result<ReadonlyMap<number, number>>>
  readonly settle: (settlements: readonly Settlement[]) => void
}

/** Addresses that one round asks about. */
const DOUBTS_PER_ROUND_MAX = 50

/**
 * Settles addresses in doubt: once storage has all that the view has met of one, the store names the version that rules it, and the
 * view takes it in. A round that fails leaves them as they are, for the next one.
 */
export class Doubts {
  readonly #parts: DoubtsParts
  #isRunning = false

  constructor(parts: DoubtsParts) {
    this.#parts = parts
  }

  /** One round, after a look at storage's watermarks; answers how many addresses the store has told about. */
  async resolve(nextOffsets: ReadonlyMap<number, number>): Promise<number> {
    if (this.#isRunning) return 0
    this.#isRunning = true
    try {
      return await this.#resolve(nextOffsets)
    } finally {
      this.#isRunning = false
    }
  }

  async #resolve(nextOffsets: ReadonlyMap<number, number>): Promise<number> {
    const { view, stored, settle } = this.#parts
    const ripe = view()?.doubts.filter((doubt) => isCovered(doubt, nextOffsets)) ?? []
    if (ripe.length === 0) return 0
    const settlements: Settlement[] = []
    for (const doubt of ripe.slice(0, DOUBTS_PER_ROUND_MAX)) {
      const version = await this.#rulingVersion(doubt)
      if (!version.ok) break
      settlements.push({ doubt, version: version.value })
    }
    // A store that was emptied meanwhile would have told of none, and the view would believe it for ever.
    const still = await stored()
    if (!still.ok) return 0
    const certain = settlements.filter(({ doubt }) => isCovered(doubt, still.value))
    if (certain.length > 0) settle(certain)
    return certain.length
  }

  async #rulingVersion(doubt: Doubt): Promise<Result<LoggedEvent | null>> {
    const { olderVersions, tombstones } = this.#parts
    let before: Position = doubt
    while (true) {
      const page = await olderVersions(doubt, before)
      if (!page.ok) return page
      const last = page.value.at(-1)
      if (last === undefined) return ok(null)
      for (const { json, partition, offset } of page.value) {
        const event = JSON.parse(json) as NostrEvent
        if (!tombstones.covers(event)) return ok({ event, json, partition, offset })
      }
      before = last
    }
  }
}

const isCovered = ({ partition, offset }: Doubt, nextOffsets: ReadonlyMap<number, number>): boolean =>
  (nextOffsets.get(partition) ?? 0) >= offset
