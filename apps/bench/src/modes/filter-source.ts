import { hash } from 'node:crypto'
import type { Corpus } from '../corpus/corpus.ts'
import type { BenchFilter } from '../oracle/filter.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { lehmer } from '../stats/bootstrap.ts'

/** Draws a value from what occurs in the corpus. */
export interface Draw {
  /** Who wrote a visible note. */
  readonly author: () => string
  readonly authors: (count: number) => string[]
  /** The id of a visible event. */
  readonly id: () => string
  /** An id that e tags name, the more often the likelier: people look at what others talk about. */
  readonly thread: () => string
  readonly topic: () => string
  /** A moment within the first nine tenths of the base, seconds since the Unix epoch. */
  readonly moment: () => number
  readonly oneOf: <T>(values: readonly T[]) => T
}

export type Shape = (draw: Draw) => readonly BenchFilter[]

const TRIES = 20

/** Gives filters of a shape, never the same twice. */
export class FilterSource {
  readonly #shape: Shape
  readonly #draw: Draw
  readonly #given = new Set<string>()
  #repeats = 0

  constructor(shape: Shape, corpus: Corpus, oracle: Oracle, seed: number) {
    this.#shape = shape
    this.#draw = drawFrom(corpus, oracle, seed)
  }

  take(count: number): readonly (readonly BenchFilter[])[] {
    return Array.from({ length: count }, () => this.#next())
  }

  /** Where a small corpus has no further values, a `since` from before every event makes another filter of the same ones. */
  #next(): readonly BenchFilter[] {
    for (let tries = 0; tries < TRIES; tries++) {
      const filters = this.#shape(this.#draw)
      if (this.#isNew(filters)) return filters
    }
    const filters = this.#shape(this.#draw).map((filter) => ({ since: ++this.#repeats, ...filter }))
    this.#given.add(digest(filters))
    return filters
  }

  #isNew(filters: readonly BenchFilter[]): boolean {
    const key = digest(filters)
    if (this.#given.has(key)) return false
    this.#given.add(key)
    return true
  }
}

const digest = (filters: readonly BenchFilter[]): string => hash('sha1', JSON.stringify(filters), 'base64')

function drawFrom(corpus: Corpus, oracle: Oracle, seed: number): Draw {
  const random = lehmer(seed)
  const below = (count: number) => Math.floor(random() * count)
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T
  const inBase = (indices: readonly number[], kind?: number) =>
    indices.some(
      (index) =>
        index < corpus.baseCount &&
        oracle.isVisible(index) &&
        (kind === undefined || corpus.kinds[index] === kind),
    )
  const named = (postings: ReadonlyMap<string, readonly number[]>, kind?: number) =>
    [...postings].filter(([, indices]) => inBase(indices, kind)).map(([value]) => value)
  const authors = named(corpus.byAuthor, 1)
  const threads = named(corpus.byTag.e).flatMap((id) =>
    (corpus.byTag.e.get(id) ?? []).filter((index) => index < corpus.baseCount).map(() => id),
  )
  const topics = named(corpus.byTag.t)
  const visibleIndex = (): number => {
    for (;;) {
      const index = below(corpus.baseCount)
      if (oracle.isVisible(index)) return index
    }
  }
  return {
    author: () => oneOf(authors),
    authors: (count) => {
      const some = new Set<string>()
      while (some.size < Math.min(count, authors.length)) some.add(oneOf(authors))
      return [...some]
    },
    id: () => corpus.idOf(visibleIndex()),
    thread: () => oneOf(threads),
    topic: () => oneOf(topics),
    moment: () => corpus.createdAt[below(Math.ceil(corpus.baseCount * 0.9))] as number,
    oneOf,
  }
}
