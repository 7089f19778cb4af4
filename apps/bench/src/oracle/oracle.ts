import { type Corpus, INDEXED_TAGS } from '../corpus/corpus.ts'
import { idKey } from '../corpus/id-key.ts'
import type { BenchFilter } from './filter.ts'

/** An answer as it came over the wire. */
export interface Answer {
  readonly filters: readonly BenchFilter[]
  /** The events' keys (id-key.ts) in the order of arrival. */
  readonly keys: Float64Array
  /** Events of the corpus before this index had their OK when the REQ was sent: they must be there. */
  readonly ackedBefore: number
  /** Events before this index were sent when EOSE came: those not acknowledged at the REQ may be there. */
  readonly sentBefore: number
}

/**
 * What a relay does with direct messages and gift wraps that nobody it knows asks for: leaves them out, leaves them out of what
 * the limit has cut already (so that an answer can be short), or shows them.
 */
export type Privacy = 'hidden' | 'hidden after the limit' | 'shown'

/**
 * Says what a relay that holds the corpus up to some event has to answer. It leaves out superseded versions and, as the
 * relay does, private kinds. The test compares it with testkit's naive relay.
 */
export class Oracle {
  readonly #corpus: Corpus
  readonly privacy: Privacy

  constructor(corpus: Corpus, privacy: Privacy) {
    this.#corpus = corpus
    this.privacy = privacy
  }

  isVisible(index: number): boolean {
    const { isPrivate, isSuperseded } = this.#corpus
    return isSuperseded[index] === 0 && (this.privacy === 'shown' || isPrivate[index] === 0)
  }

  /** What is wrong with an answer, in a sentence; null when nothing is. Among events of one second any order will do. */
  fault(answer: Answer): string | null {
    const { filters, keys, ackedBefore, sentBefore } = answer
    const seen = new Set<number>()
    for (const key of keys) {
      const index = this.#corpus.indexOf(key)
      if (index === undefined || index >= sentBefore) return 'an event that the bench did not publish'
      if (seen.has(index)) return `${this.#corpus.idOf(index)} comes twice`
      seen.add(index)
    }
    const late = [...seen].filter((index) => index >= ackedBefore)
    const expected = this.expected(filters, ackedBefore, late)
    const times = (indices: Iterable<number>) =>
      [...indices].map((index) => this.#corpus.createdAt[index] as number).sort((a, b) => b - a)
    const [got, want] = [times(seen), times(expected)]
    if (got.length !== want.length) return `${got.length} events instead of ${want.length}`
    for (const index of seen)
      if (
        !expected.has(index) &&
        !(this.isVisible(index) && filters.some((filter) => this.#matches(filter, index)))
      )
        return `${this.#corpus.idOf(index)} does not match, is superseded or private`
    if (got.some((createdAt, at) => createdAt !== want[at])) return 'a newer event is missing'
    return this.#isInOrder(filters, keys) ? null : 'the events of a limited filter are not newest first'
  }

  /** Indices of the events that answer the filters, each cut at its own limit, once events before `count` and `more` are there. */
  expected(
    filters: readonly BenchFilter[],
    count: number,
    more: readonly number[] = [],
  ): ReadonlySet<number> {
    const matching = filters.flatMap((filter) => this.#matching(filter, count, more))
    return new Set(matching.filter((index) => this.isVisible(index)))
  }

  /** Indices descending: newest first. */
  #matching(filter: BenchFilter, count: number, more: readonly number[]): number[] {
    const limit = filter.limit ?? Number.POSITIVE_INFINITY
    const { lists, rest } = this.#candidates(filter)
    if (lists === null) return this.#fromNewest(filter, count, more, limit)
    const end = Math.max(count, ...more.map((index) => index + 1))
    const found = new Set<number>()
    for (const list of lists) {
      let left = limit
      for (let at = lowerBound(list, end) - 1; at >= 0 && left > 0; at--) {
        const index = list[at] as number
        if ((index >= count && !more.includes(index)) || !this.#matches(rest, index)) continue
        found.add(index)
        left--
      }
    }
    return [...found].sort((a, b) => b - a).slice(0, limit)
  }

  #fromNewest(filter: BenchFilter, count: number, more: readonly number[], limit: number): number[] {
    const found = more.filter((index) => this.#matches(filter, index)).sort((a, b) => b - a)
    const since = filter.since ?? 0
    for (let index = count - 1; index >= 0 && found.length < limit; index--) {
      if ((this.#corpus.createdAt[index] as number) < since) break
      if (this.#matches(filter, index)) found.push(index)
    }
    return found.slice(0, limit)
  }

  /** Ascending lists that together hold every event the filter can match (null: all of them), and what is left to be checked. */
  #candidates(filter: BenchFilter): {
    readonly lists: readonly (readonly number[])[] | null
    readonly rest: BenchFilter
  } {
    const { byAuthor, byTag, indexOf } = this.#corpus
    if (filter.ids !== undefined) {
      const { ids, ...rest } = filter
      const known = ids.map((id) => indexOf(idKey(id))).filter((index) => index !== undefined)
      return { lists: known.map((index) => [index]), rest }
    }
    for (const letter of INDEXED_TAGS) {
      const { [`#${letter}` as const]: values, ...rest } = filter
      if (values !== undefined) return { lists: values.map((value) => byTag[letter].get(value) ?? []), rest }
    }
    const { authors, ...rest } = filter
    return { lists: authors?.map((author) => byAuthor.get(author) ?? []) ?? null, rest }
  }

  #matches(filter: BenchFilter, index: number): boolean {
    const { createdAt, isSuperseded, kinds } = this.#corpus
    const time = createdAt[index] as number
    if (this.privacy === 'hidden after the limit' ? isSuperseded[index] === 1 : !this.isVisible(index))
      return false
    if (filter.kinds !== undefined && !filter.kinds.includes(kinds[index] as number)) return false
    if (time < (filter.since ?? 0) || time > (filter.until ?? Number.POSITIVE_INFINITY)) return false
    if (filter.ids !== undefined && !filter.ids.some((id) => this.#corpus.indexOf(idKey(id)) === index))
      return false
    if (filter.authors !== undefined && !this.#isListed(this.#corpus.byAuthor, filter.authors, index))
      return false
    return INDEXED_TAGS.every((letter) => {
      const values = filter[`#${letter}`]
      return values === undefined || this.#isListed(this.#corpus.byTag[letter], values, index)
    })
  }

  #isListed(
    postings: ReadonlyMap<string, readonly number[]>,
    values: readonly string[],
    index: number,
  ): boolean {
    return values.some((value) => isIn(postings.get(value) ?? [], index))
  }

  /** NIP-01 asks for an order only where there is a limit, and none over several filters. */
  #isInOrder(filters: readonly BenchFilter[], keys: Float64Array): boolean {
    if (filters.length !== 1 || filters[0]?.limit === undefined) return true
    let before = Number.POSITIVE_INFINITY
    for (const key of keys) {
      const time = this.#corpus.createdAt[this.#corpus.indexOf(key) as number] as number
      if (time > before) return false
      before = time
    }
    return true
  }
}

const isIn = (list: readonly number[], wanted: number): boolean => list[lowerBound(list, wanted)] === wanted

/** How many numbers of an ascending list are below the bound. */
function lowerBound(list: readonly number[], bound: number): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as number) < bound) low = middle + 1
    else high = middle
  }
  return low
}
