import { type Filter, kindClass } from '@millrace/nostr'
import { headEntries, type PostingTable } from './chunks.ts'
import {
  authorKindList,
  authorList,
  isVersioned,
  kindList,
  regularTimeList,
  tagList,
  versionedTimeList,
} from './list-keys.ts'

/** The lists whose union holds everything that a filter matches, and what is still to be checked on their entries. */
export interface Plan {
  readonly lists: readonly Buffer[]
  /** Their union holds every match too: what is not in it need not be read. Empty: nothing is known. */
  readonly also: readonly Buffer[]
  /** Null: every kind in the lists matches. */
  readonly kinds: ReadonlySet<number> | null
  readonly checksAuthors: boolean
  /** Letters of the filter that the lists do not cover. */
  readonly letters: readonly string[]
}

interface Candidate {
  /** Null: by author. */
  readonly letter: string | null
  readonly lists: readonly Buffer[]
  readonly kinds: ReadonlySet<number> | null
}

/** Past this, a list for every pair of author and kind costs more than passing over other kinds. */
const AUTHOR_KIND_LISTS_MAX = 1_024
/** Lists whose sizes are looked at before choosing between tags and authors. */
const SIZED_LISTS_MAX = 64
/** What a list of more than one chunk counts as. */
const LONG_LIST_ENTRIES = 10_000

/** @param filter without ids, and no list of it empty */
export function planOf(table: PostingTable, filter: Filter): Plan {
  const candidates = candidatesOf(filter)
  const [only] = candidates
  if (only === undefined) return planByTime(filter)
  if (candidates.length === 1) return planBy(only, [], filter)
  const sized = candidates.map((candidate) => ({ candidate, size: sizeOf(table, candidate.lists) }))
  const [best, second] = sized.sort((a, b) => a.size - b.size) as [(typeof sized)[0], (typeof sized)[0]]
  // An entry of a list costs a fraction of a record that turns out not to match.
  const isWorthIt = best.size >= LONG_LIST_ENTRIES && second.candidate.lists.length <= SIZED_LISTS_MAX
  return planBy(best.candidate, isWorthIt ? second.candidate.lists : [], filter)
}

function planByTime({ kinds }: Filter): Plan {
  const lists = kinds === undefined ? [regularTimeList, versionedTimeList] : kinds.map(kindList)
  return { lists, also: [], kinds: null, checksAuthors: false, letters: [] }
}

const planBy = ({ letter, lists, kinds }: Candidate, also: readonly Buffer[], filter: Filter): Plan => ({
  lists,
  also,
  kinds,
  checksAuthors: letter !== null && filter.authors !== undefined,
  letters: Object.keys(filter.tags).filter((other) => other !== letter),
})

function candidatesOf({ authors, kinds, tags }: Filter): readonly Candidate[] {
  const kindSet = kinds === undefined ? null : new Set(kinds)
  const candidates: Candidate[] = Object.keys(tags).map((letter) => ({
    letter,
    lists: (tags[letter] ?? []).map((value) => tagList(letter, value)),
    kinds: kindSet,
  }))
  if (authors === undefined) return candidates
  if (kinds !== undefined && authors.length * kinds.length <= AUTHOR_KIND_LISTS_MAX) {
    const lists = authors.flatMap((author) => kinds.map((kind) => authorKindList(author, kind)))
    return [...candidates, { letter: null, lists, kinds: null }]
  }
  return [...candidates, { letter: null, lists: authors.map(authorList), kinds: kindSet }]
}

/** About how many entries the lists hold. */
function sizeOf(table: PostingTable, lists: readonly Buffer[]): number {
  let size = 0
  for (const list of lists.slice(0, SIZED_LISTS_MAX)) size += headEntries(table, list) ?? LONG_LIST_ENTRIES
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
