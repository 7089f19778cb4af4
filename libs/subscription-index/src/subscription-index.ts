import { err, ok, type Result, transient } from '@millrace/kernel'
import { type Filter, indexedTags, matchesFilter, type NostrEvent } from '@millrace/nostr'
import { PostingMap } from './posting-map.ts'

/** One filter of one subscription. */
interface Slot<K> {
  readonly key: K
  readonly filter: Filter
}

/** Where a filter is listed: under each value of its most selective condition. */
type Placement =
  | { readonly under: 'id' | 'tag' | 'author'; readonly values: readonly string[] }
  | { readonly under: 'kind'; readonly values: readonly number[] }
  | { readonly under: 'any' }
  | { readonly under: 'nothing' }

export interface SubscriptionIndexOptions {
  /** Most that all filters may weigh at once, see `weightOf`. */
  readonly weightMax?: number
}

const WEIGHT_MAX = 4_000_000
/** As long as an id: most values are. */
const TEXT_CHARACTERS_PER_WEIGHT = 64

/**
 * The live filters of many subscriptions, inverted: an event looks up its id, tags, author and kind and checks only the
 * filters listed there, instead of all. Keys are compared as a Map compares them.
 */
export class SubscriptionIndex<K> {
  readonly #weightMax: number
  readonly #slots = new Map<K, readonly Slot<K>[]>()
  readonly #byId = new PostingMap<string, Slot<K>>()
  readonly #byTag = new PostingMap<string, Slot<K>>()
  readonly #byAuthor = new PostingMap<string, Slot<K>>()
  readonly #byKind = new PostingMap<number, Slot<K>>()
  readonly #unconditional = new Set<Slot<K>>()
  #weight = 0

  constructor({ weightMax = WEIGHT_MAX }: SubscriptionIndexOptions = {}) {
    this.#weightMax = weightMax
  }

  /** Subscriptions held. */
  get size(): number {
    return this.#slots.size
  }

  /** What all filters weigh, at most `weightMax`: what the index costs in memory. */
  get weight(): number {
    return this.#weight
  }

  /** Whether nothing is listed: what removed subscriptions leave behind would be a leak. */
  get isEmpty(): boolean {
    const postings = [this.#byId, this.#byTag, this.#byAuthor, this.#byKind, this.#unconditional]
    return postings.every((posting) => posting.size === 0)
  }

  /**
   * Sets the subscription's filters, in place of those it had. Fault subscriptions-too-many, with the index unchanged,
   * when that would pass `weightMax`.
   */
  add(key: K, filters: readonly Filter[]): Result<void> {
    const slots = filters.map((filter): Slot<K> => ({ key, filter }))
    const before = this.#slots.get(key) ?? []
    const added = weightOf(filters)
    if (this.#weight - weightOfSlots(before) + added > this.#weightMax)
      return err(transient('subscriptions-too-many', 'the index of live subscriptions is full'))
    this.remove(key)
    this.#slots.set(key, slots)
    for (const slot of slots) this.#list(slot)
    this.#weight += added
    return ok(undefined)
  }

  /** Forgets the subscription; false when there is none. */
  remove(key: K): boolean {
    const slots = this.#slots.get(key)
    if (slots === undefined) return false
    this.#slots.delete(key)
    for (const slot of slots) this.#unlist(slot)
    this.#weight -= weightOfSlots(slots)
    return true
  }

  /** The subscriptions with a filter that the event passes, each once, in no particular order. */
  match(event: NostrEvent): K[] {
    const matched = new Set<K>()
    collect(matched, this.#byId.get(event.id), event)
    collect(matched, this.#byAuthor.get(event.pubkey), event)
    collect(matched, this.#byKind.get(event.kind), event)
    if (this.#byTag.size > 0)
      for (const [letter, value] of indexedTags(event))
        collect(matched, this.#byTag.get(letter + value), event)
    collect(matched, this.#unconditional, event)
    return [...matched]
  }

  #list(slot: Slot<K>): void {
    const place = placementOf(slot.filter)
    if (place.under === 'any') this.#unconditional.add(slot)
    else if (place.under === 'kind') for (const kind of place.values) this.#byKind.add(kind, slot)
    else if (place.under !== 'nothing')
      for (const value of place.values) this.#textual(place.under).add(value, slot)
  }

  #unlist(slot: Slot<K>): void {
    const place = placementOf(slot.filter)
    if (place.under === 'any') this.#unconditional.delete(slot)
    else if (place.under === 'kind') for (const kind of place.values) this.#byKind.remove(kind, slot)
    else if (place.under !== 'nothing')
      for (const value of place.values) this.#textual(place.under).remove(value, slot)
  }

  #textual(under: 'id' | 'tag' | 'author'): PostingMap<string, Slot<K>> {
    return under === 'id' ? this.#byId : under === 'tag' ? this.#byTag : this.#byAuthor
  }
}

function collect<K>(
  matched: Set<K>,
  slots: Slot<K> | ReadonlySet<Slot<K>> | undefined,
  event: NostrEvent,
): void {
  if (slots === undefined) return
  if (slots instanceof Set) for (const slot of slots) collectOne(matched, slot, event)
  else collectOne(matched, slots as Slot<K>, event)
}

function collectOne<K>(matched: Set<K>, { key, filter }: Slot<K>, event: NostrEvent): void {
  if (!matched.has(key) && matchesFilter(filter, event)) matched.add(key)
}

const weightOfSlots = (slots: readonly Slot<unknown>[]): number => weightOf(slots.map(({ filter }) => filter))

/**
 * What filters cost in memory, in values: every value of every condition, a text once for every 64 characters. Measured: about 90
 * bytes for each. A filter without values counts as one.
 */
export function weightOf(filters: readonly Filter[]): number {
  let weight = 0
  for (const { ids = [], authors = [], kinds = [], tags } of filters) {
    weight += 1 + ids.length + authors.length + kinds.length
    for (const letter in tags)
      for (const value of tags[letter] ?? [])
        weight += Math.ceil((value.length + 1) / TEXT_CHARACTERS_PER_WEIGHT)
  }
  return weight
}

/** An id has one event, a tag value few, an author some, a kind many. */
function placementOf(filter: Filter): Placement {
  const { ids, authors, kinds, tags } = filter
  let smallestTag: readonly string[] | undefined
  let smallestLetter = ''
  for (const [letter, values] of Object.entries(tags)) {
    if (smallestTag !== undefined && smallestTag.length <= values.length) continue
    smallestTag = values
    smallestLetter = letter
  }
  const lists = [ids, authors, kinds, smallestTag]
  if (lists.some((list) => list?.length === 0)) return { under: 'nothing' }
  if (ids !== undefined) return { under: 'id', values: ids }
  if (smallestTag !== undefined)
    return { under: 'tag', values: smallestTag.map((value) => smallestLetter + value) }
  if (authors !== undefined) return { under: 'author', values: authors }
  if (kinds !== undefined) return { under: 'kind', values: kinds }
  return { under: 'any' }
}
