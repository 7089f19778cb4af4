import { LIMITS } from '@millrace/kernel'
import type { Filter } from '@millrace/nostr'
import type { ServedEvent } from './event-reader.ts'
import { comparePositions, type Position } from './position.ts'

/** How far the answer to one filter has come. */
export class FilterCursor {
  readonly filter: Filter
  /** Read up to here; null before the first page. */
  after: Position | null = null
  isDone: boolean
  #left: number
  /** Found and not handed out yet, in served order. */
  #found: ServedEvent[] = []

  constructor(filter: Filter) {
    this.filter = filter
    this.#left = filter.limit ?? LIMITS.filterLimitDefault
    this.isDone = this.#left === 0
  }

  /** Another cursor that goes on from here. */
  fork(): FilterCursor {
    const fork = new FilterCursor(this.filter)
    fork.after = this.after
    fork.#left = this.#left
    fork.isDone = this.isDone
    return fork
  }

  /**
   * Whether it wants a page: all it has found is handed out. One that is ahead of the others waits for them, so that each holds a page at
   * most; the one that is furthest behind is always hungry.
   */
  get isHungry(): boolean {
    return !this.isDone && this.#found.length === 0
  }

  /** Events still missing to the filter's limit. */
  get left(): number {
    return this.#left
  }

  /**
   * Takes a page in served order that is complete up to `endsAt` (null: to the end). Where the limit cuts it, the cursor stands at
   * the last event taken: whoever leaves some of them out goes on from there.
   */
  take(page: readonly ServedEvent[], endsAt: Position | null): void {
    const isCut = page.length > this.#left
    const taken = isCut ? page.slice(0, this.#left) : page
    this.#found.push(...taken)
    this.#left -= taken.length
    this.after = isCut ? (taken.at(-1) ?? this.after) : endsAt
    this.isDone = this.#left === 0 || endsAt === null
  }

  /** Hands out what was found up to a position (null: everything). */
  drain(upTo: Position | null): ServedEvent[] {
    const after = upTo === null ? -1 : this.#found.findIndex((event) => comparePositions(event, upTo) > 0)
    const drained = after === -1 ? this.#found : this.#found.slice(0, after)
    this.#found = after === -1 ? [] : this.#found.slice(after)
    return drained
  }
}

/** What all cursors together have final: sorted, each event once. */
export function drainMerged(cursors: readonly FilterCursor[]): ServedEvent[] {
  const [only] = cursors
  if (only !== undefined && cursors.length === 1) return only.drain(null)
  const open = cursors.filter((cursor) => !cursor.isDone)
  if (open.some((cursor) => cursor.after === null)) return []
  const upTo = open.map((cursor) => cursor.after).sort(compareAfter)[0] ?? null
  const merged = cursors.flatMap((cursor) => cursor.drain(upTo)).sort(comparePositions)
  return merged.filter((event, index) => event.id !== merged[index - 1]?.id)
}

/** Those that want a page, the furthest behind first. */
export const hungryOf = (cursors: readonly FilterCursor[]): FilterCursor[] =>
  cursors.filter((cursor) => cursor.isHungry).sort((a, b) => compareFromStart(a.after, b.after))

const compareFromStart = (a: Position | null, b: Position | null): number =>
  a === null || b === null ? Number(b === null) - Number(a === null) : comparePositions(a, b)

const compareAfter = (a: Position | null, b: Position | null): number =>
  a === null || b === null ? 0 : comparePositions(a, b)
