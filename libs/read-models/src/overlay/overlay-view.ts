import { type Filter, matchesFilter, type NostrEvent } from '@millrace/nostr'
import { laterPosition, type Position } from '../position.ts'
import type { OverlayEntry } from './overlay-entry.ts'
import type { OverlayIndex } from './overlay-index.ts'

/** What decides about an event beyond the filter. */
export interface Visibility {
  /** Takes part in choosing the version of its address: no tombstone covers it. */
  readonly counts: (event: NostrEvent) => boolean
  /** May be shown once it is the version of its address: above the floor, not expired, readable by the asker. */
  readonly shows: (event: NostrEvent) => boolean
}

export interface OverlayPage {
  readonly entries: readonly OverlayEntry[]
  /** Whether there are more matches after the last entry. */
  readonly isCut: boolean
}

/** The overlay at one moment: later additions are invisible, releases wait for the view to close. */
export class OverlayView implements Disposable {
  readonly sequence: number
  readonly #index: OverlayIndex
  readonly #close: () => void

  constructor(index: OverlayIndex, sequence: number, close: () => void) {
    this.#index = index
    this.sequence = sequence
    this.#close = close
  }

  close(): void {
    this.#close()
  }

  [Symbol.dispose](): void {
    this.#close()
  }

  /** Whether nothing at all is in here. */
  get isEmpty(): boolean {
    return this.#index.size === 0
  }

  get(id: string): OverlayEntry | undefined {
    const entry = this.#index.get(id)
    return entry !== undefined && entry.sequence < this.sequence ? entry : undefined
  }

  /** The NIP-01 winner among the versions here that count. */
  winner(address: string, counts: Visibility['counts']): OverlayEntry | undefined {
    for (const entry of this.#index.versions(address))
      if (entry.sequence < this.sequence && counts(entry.event)) return entry
    return undefined
  }

  /** The first `entriesMax` visible matches after a position, as far as this overlay alone can tell. */
  page(
    filter: Filter,
    after: Position | null,
    entriesMax: number,
    { counts, shows }: Visibility,
  ): OverlayPage {
    const entries: OverlayEntry[] = []
    const sinceS = filter.since ?? 0
    const untilPosition = filter.until === undefined ? null : { createdAt: filter.until, id: '' }
    for (const entry of this.#index.candidates(filter, laterPosition(after, untilPosition))) {
      if (entry.createdAt < sinceS) break
      if (entry.sequence >= this.sequence || !matchesFilter(filter, entry.event)) continue
      if (!counts(entry.event) || !shows(entry.event)) continue
      if (entry.address !== null && this.winner(entry.address, counts) !== entry) continue
      if (entries.length === entriesMax) return { entries, isCut: true }
      entries.push(entry)
    }
    return { entries, isCut: false }
  }
}
