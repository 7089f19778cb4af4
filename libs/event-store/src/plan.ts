import { type Filter, kindClass } from '@millrace/nostr'
import { type PostingTable, readHead } from './chunks.ts'
import {
  authorKindList,
  authorList,
  isVersioned,
  kindList,
  regularTimeList,
  tagList,
  versionedTimeList,
} from './list-keys.ts'
import { countOf } from './postings.ts'

/** The lists whose union holds everything that a filter matches, and what is still to be checked on their entries. */
export interface Plan {
  readonly lists: readonly Buffer[]
  /** Null: every kind in the lists matches. */
  readonly kinds: ReadonlySet<number> | null
  readonly checksAuthors: boolean
  /** Letters of the filter that the lists do not cover. */
  readonly letters: readonly string[]
}

/** Past this, a list for every pair of author and kind costs more than passing over other kinds. */
const AUTHOR_KIND_LISTS_MAX = 1_024
/** Lists whose sizes are looked at before choosing between tags and authors. */
const SIZED_LISTS_MAX = 64
const LONG_LIST_ENTRIES = 10_000

/** @param filter without ids, and no list of it empty */
export function planOf(table: PostingTable, filter: Filter): Plan {
  const { authors, kinds } = filter
  const letters = Object.keys(filter.tags)
  const kindSet = kinds === undefined ? null : new Set(kinds)
  const byAuthor = authors === undefined ? null : authorPlan(authors, kinds, kindSet, letters)
  const byTag = letters.length === 0 ? null : tagPlan(table, filter, letters, kindSet)
  if (byTag !== null && byAuthor !== null)
    return sizeOf(table, byTag.lists) <= sizeOf(table, byAuthor.lists) ? byTag : byAuthor
  const plan = byTag ?? byAuthor
  if (plan !== null) return plan
  if (kinds !== undefined)
    return { lists: kinds.map(kindList), kinds: null, checksAuthors: false, letters: [] }
  return { lists: [regularTimeList, versionedTimeList], kinds: null, checksAuthors: false, letters: [] }
}

function authorPlan(
  authors: readonly string[],
  kinds: readonly number[] | undefined,
  kindSet: ReadonlySet<number> | null,
  letters: readonly string[],
): Plan {
  if (kinds !== undefined && authors.length * kinds.length <= AUTHOR_KIND_LISTS_MAX) {
    const lists = authors.flatMap((author) => kinds.map((kind) => authorKindList(author, kind)))
    return { lists, kinds: null, checksAuthors: false, letters }
  }
  return { lists: authors.map(authorList), kinds: kindSet, checksAuthors: false, letters }
}

/** By the letter whose values are in the fewest events. */
function tagPlan(
  table: PostingTable,
  filter: Filter,
  letters: readonly string[],
  kinds: ReadonlySet<number> | null,
): Plan {
  const candidates = letters.map((letter) => ({
    letter,
    lists: (filter.tags[letter] ?? []).map((value) => tagList(letter, value)),
  }))
  const sized = candidates.map((candidate) => ({
    ...candidate,
    size: candidates.length === 1 ? 0 : sizeOf(table, candidate.lists),
  }))
  const best = sized.sort((a, b) => a.size - b.size)[0]
  if (best === undefined) throw new Error('a plan by tags needs a tag')
  return {
    lists: best.lists,
    kinds,
    checksAuthors: filter.authors !== undefined,
    letters: letters.filter((letter) => letter !== best.letter),
  }
}

/** About how many entries the lists hold. */
function sizeOf(table: PostingTable, lists: readonly Buffer[]): number {
  let size = 0
  for (const list of lists.slice(0, SIZED_LISTS_MAX)) {
    const head = readHead(table, list)
    if (head !== undefined) size += head.bound === null ? countOf(head.entries) : LONG_LIST_ENTRIES
  }
  return size * Math.max(1, lists.length / SIZED_LISTS_MAX)
}

/** Which of the two horizons a filter has to do with. */
export function classesOf(filter: Pick<Filter, 'kinds'>): { regular: boolean; versioned: boolean } {
  if (filter.kinds === undefined) return { regular: true, versioned: true }
  return {
    regular: filter.kinds.some((kind) => kindClass(kind) === 'regular'),
    versioned: filter.kinds.some(isVersioned),
  }
}
