import type { NostrEvent } from './event.ts'
import type { Filter } from './filter.ts'

/** Below this a scan of the list beats building and probing a set. */
const SCAN_ENTRIES_MAX = 8

const setsOfLists = new WeakMap<readonly unknown[], ReadonlySet<unknown>>()

function holds<T>(list: readonly T[], value: T): boolean {
  if (list.length <= SCAN_ENTRIES_MAX) return list.includes(value)
  let set = setsOfLists.get(list)
  if (set === undefined) {
    set = new Set(list)
    setsOfLists.set(list, set)
  }
  return set.has(value)
}

/**
 * Whether the event passes every condition of the filter (NIP-01). `limit` is no condition. A tag is matched by its
 * first value only; a tag without one matches nothing. Lists must not be changed after their first use here.
 */
export function matchesFilter(filter: Filter, event: NostrEvent): boolean {
  if (filter.since !== undefined && event.created_at < filter.since) return false
  if (filter.until !== undefined && event.created_at > filter.until) return false
  if (filter.kinds !== undefined && !holds(filter.kinds, event.kind)) return false
  if (filter.authors !== undefined && !holds(filter.authors, event.pubkey)) return false
  if (filter.ids !== undefined && !holds(filter.ids, event.id)) return false
  for (const letter in filter.tags) {
    const wanted = filter.tags[letter]
    if (wanted !== undefined && !hasTag(event, letter, wanted)) return false
  }
  return true
}

/** Whether the event passes at least one of the filters. */
export function matchesAny(filters: readonly Filter[], event: NostrEvent): boolean {
  for (const filter of filters) if (matchesFilter(filter, event)) return true
  return false
}

function hasTag(event: NostrEvent, letter: string, wanted: readonly string[]): boolean {
  for (const tag of event.tags) {
    if (tag[0] !== letter) continue
    const value = tag[1]
    if (value !== undefined && holds(wanted, value)) return true
  }
  return false
}

/** The [letter, first value] pairs by which filters can find the event, without doubles, in tag order (NIP-01). */
export function indexedTags(
  event: Pick<NostrEvent, 'tags'>,
): readonly (readonly [letter: string, value: string])[] {
  const seen = new Map<string, Set<string>>()
  const pairs: [string, string][] = []
  for (const [name, value] of event.tags) {
    if (name === undefined || value === undefined || !isIndexedName(name)) continue
    const values = seen.get(name)
    if (values === undefined) seen.set(name, new Set([value]))
    else if (values.has(value)) continue
    else values.add(value)
    pairs.push([name, value])
  }
  return pairs
}

/** Whether filters can ask for tags of this name: a single ASCII letter. */
export function isIndexedName(name: string): boolean {
  if (name.length !== 1) return false
  const lower = name.charCodeAt(0) | 0x20
  return lower >= CODE_A && lower <= CODE_Z
}

const [CODE_A, CODE_Z] = [0x61, 0x7a] as const
