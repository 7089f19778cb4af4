import { type Filter, indexedTags } from '@millrace/nostr'
import type { Position } from '../position.ts'
import { mergeServed } from './merge-served.ts'
import type { OverlayEntry } from './overlay-entry.ts'
import { Postings } from './postings.ts'
import { ServedOrder } from './served-order.ts'

type Cursor = Iterator<OverlayEntry>

/** One way to find what a filter may match: how many entries it would visit, and their lists. */
interface Plan {
  readonly entries: number
  readonly open: (after: Position | null) => readonly Cursor[]
}

/** Finds entries by id, author, kind, tag and address; every list is in served order. */
export class OverlayIndex {
  readonly #byId = new Map<string, OverlayEntry>()
  readonly #all = new ServedOrder<OverlayEntry>()
  readonly #byAuthor = new Postings<string, OverlayEntry>()
  readonly #byKind = new Postings<number, OverlayEntry>()
  /** Key: the tag's letter, directly followed by its value. */
  readonly #byTag = new Postings<string, OverlayEntry>()
  readonly #byAddress = new Postings<string, OverlayEntry>()

  get size(): number {
    return this.#byId.size
  }

  get(id: string): OverlayEntry | undefined {
    return this.#byId.get(id)
  }

  add(entry: OverlayEntry): void {
    this.#byId.set(entry.id, entry)
    this.#all.add(entry)
    this.#byAuthor.add(entry.event.pubkey, entry)
    this.#byKind.add(entry.event.kind, entry)
    for (const [letter, value] of indexedTags(entry.event)) this.#byTag.add(letter + value, entry)
    if (entry.address !== null) this.#byAddress.add(entry.address, entry)
  }

  delete(entry: OverlayEntry): void {
    this.#byId.delete(entry.id)
    this.#all.delete(entry)
    this.#byAuthor.delete(entry.event.pubkey, entry)
    this.#byKind.delete(entry.event.kind, entry)
    for (const [letter, value] of indexedTags(entry.event)) this.#byTag.delete(letter + value, entry)
    if (entry.address !== null) this.#byAddress.delete(entry.address, entry)
  }

  /** All versions at an address, the NIP-01 winner first: winners and results sort alike. */
  versions(address: string): Iterable<OverlayEntry> {
    const list = this.#byAddress.after(address, null)
    return list === null ? [] : { [Symbol.iterator]: () => list }
  }

  /** Every entry after the position that the filter may match, in served order; the caller checks the filter itself. */
  candidates(filter: Filter, after: Position | null): Iterable<OverlayEntry> {
    let best: Plan = { entries: this.#all.size, open: (from) => [this.#all.after(from)] }
    for (const plan of this.#plans(filter)) if (plan.entries < best.entries) best = plan
    if (best.entries === 0) return []
    return mergeServed(best.open(after))
  }

  *#plans(filter: Filter): Generator<Plan, void, undefined> {
    if (filter.ids !== undefined) yield this.#planOfIds(filter.ids)
    if (filter.authors !== undefined) yield planOf(this.#byAuthor, filter.authors)
    for (const [letter, values] of Object.entries(filter.tags))
      yield planOf(
        this.#byTag,
        values.map((value) => letter + value),
      )
    if (filter.kinds !== undefined) yield planOf(this.#byKind, filter.kinds)
  }

  #planOfIds(ids: readonly string[]): Plan {
    const found = new ServedOrder<OverlayEntry>()
    for (const id of new Set(ids)) {
      const entry = this.#byId.get(id)
      if (entry !== undefined) found.add(entry)
    }
    return { entries: found.size, open: (after) => [found.after(after)] }
  }
}

function planOf<K>(postings: Postings<K, OverlayEntry>, keys: readonly K[]): Plan {
  let entries = 0
  for (const key of keys) entries += postings.sizeOf(key)
  return {
    entries,
    open: (after) =>
      keys.map((key) => postings.after(key, after)).filter((list): list is Cursor => list !== null),
  }
}
