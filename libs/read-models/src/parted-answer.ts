import type { Filter } from '@millrace/nostr'
import { drainMerged, FilterCursor, hungryOf } from './filter-cursor.ts'
import { earlierEnd, type Position } from './position.ts'

/** Parts of one REQ, unless it has more filters: each holds a page, and below the horizon they are asked for in one statement. */
const PARTS_MAX = 64

/**
 * The answer to one filter, put together from filters of few values each that match the same together: opening thousands of lists
 * at once would hold the event loop.
 */
export class PartedAnswer {
  readonly whole: FilterCursor
  readonly #parts: readonly FilterCursor[]

  /** @param parts filters that match together what the filter does */
  constructor(filter: Filter, parts: readonly Filter[]) {
    this.whole = new FilterCursor(filter)
    this.#parts = parts.length === 1 ? [this.whole] : parts.map((part) => new FilterCursor(part))
  }

  get count(): number {
    return this.#parts.length
  }

  /** What is to be read next: nothing while the whole holds events that others have to catch up with. */
  get wanted(): readonly FilterCursor[] {
    return this.whole.isHungry ? this.#parts : []
  }

  /** Gives to the whole what all parts have read. */
  gather(): void {
    if (this.#parts[0] === this.whole || this.whole.isDone) return
    const open = this.#parts.filter(({ isDone }) => !isDone)
    if (open.some(({ after }) => after === null)) return
    const end = open.reduce<Position | null>((earliest, { after }) => earlierEnd(earliest, after), null)
    this.whole.take(drainMerged(this.#parts), end)
  }
}

/** @param valuesMax values of each list in one part, at least 1; more where there would be too many parts */
export function partedAnswers(filters: readonly Filter[], valuesMax: number): readonly PartedAnswer[] {
  const parts = filters.map((filter) => partsOf(filter, valuesMax))
  const count = parts.reduce((sum, { length }) => sum + length, 0)
  if (count > Math.max(PARTS_MAX, filters.length)) return partedAnswers(filters, 2 * valuesMax)
  return filters.map((filter, index) => new PartedAnswer(filter, parts[index] ?? [filter]))
}

/** Parts of several answers that want a page, the furthest behind first. */
export const hungryPartsOf = (answers: readonly PartedAnswer[]): FilterCursor[] =>
  hungryOf(answers.flatMap(({ wanted }) => wanted))

/** Whether a filter has so many values in one list that it is answered in parts. */
export function isWide({ ids, authors, tags }: Filter, valuesMax: number): boolean {
  if ((ids?.length ?? 0) > valuesMax || (authors?.length ?? 0) > valuesMax) return true
  for (const letter in tags) if ((tags[letter]?.length ?? 0) > valuesMax) return true
  return false
}

function partsOf(filter: Filter, valuesMax: number): readonly Filter[] {
  if (!isWide(filter, valuesMax)) return [filter]
  let parts: Filter[] = [filter]
  const { ids, authors, tags } = filter
  if (ids !== undefined) parts = crossed(parts, ids, valuesMax, (part, few) => ({ ...part, ids: few }))
  if (authors !== undefined)
    parts = crossed(parts, authors, valuesMax, (part, few) => ({ ...part, authors: few }))
  for (const [letter, values] of Object.entries(tags)) {
    const withTag = (part: Filter, few: readonly string[]) => ({
      ...part,
      tags: { ...part.tags, [letter]: few },
    })
    if (values !== undefined) parts = crossed(parts, values, valuesMax, withTag)
  }
  return parts
}

/** Each part once for every piece of a list. */
function crossed(
  parts: readonly Filter[],
  values: readonly string[],
  valuesMax: number,
  withFew: (part: Filter, few: readonly string[]) => Filter,
): Filter[] {
  const pieces = Math.max(1, Math.ceil(values.length / valuesMax))
  const length = Math.ceil(values.length / pieces)
  return Array.from({ length: pieces }, (_, piece) =>
    values.slice(piece * length, (piece + 1) * length),
  ).flatMap((few) => parts.map((part) => withFew(part, few)))
}
