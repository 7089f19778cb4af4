import type { Filter } from '@millrace/nostr'
import { type Doubt, doubtsOf } from './doubts.ts'
import { isVersioned } from './list-keys.ts'
import type { Tables } from './tables.ts'

/** Past this number of doubts every filter that reaches versioned kinds counts as touched by one. */
const DOUBTS_INDEXED_MAX = 10_000

/** The doubts of a view in memory, by author and kind: which filters could match what they hide. */
export class DoubtIndex {
  /** Of `state`: what this index was made from. */
  readonly version: number
  readonly doubts: readonly Doubt[]
  readonly #byAuthor = new Map<string, Doubt[]>()
  /** The newest erased version by kind. */
  readonly #newestS = new Map<number, number>()

  constructor(tables: Pick<Tables, 'doubts'>, version: number) {
    this.version = version
    this.doubts = doubtsOf(tables, null, DOUBTS_INDEXED_MAX + 1)
    for (const doubt of this.doubts) {
      const ofAuthor = this.#byAuthor.get(doubt.pubkey)
      if (ofAuthor === undefined) this.#byAuthor.set(doubt.pubkey, [doubt])
      else ofAuthor.push(doubt)
      this.#newestS.set(doubt.kind, Math.max(doubt.createdAt, this.#newestS.get(doubt.kind) ?? 0))
    }
  }

  /**
   * Whether a version older than an erased one could match. Tags do not rule it out, not even `d`: nobody knows the tags of
   * that version, and it may have further `d` tags.
   */
  mayMatch({ authors, kinds, since = 0 }: Filter): boolean {
    if (this.doubts.length > DOUBTS_INDEXED_MAX) return kinds === undefined || kinds.some(isVersioned)
    const isReached = ({ kind, createdAt }: Pick<Doubt, 'kind' | 'createdAt'>) =>
      createdAt >= since && (kinds === undefined || kinds.includes(kind))
    if (authors !== undefined) return authors.some((author) => this.#byAuthor.get(author)?.some(isReached))
    for (const [kind, createdAt] of this.#newestS) if (isReached({ kind, createdAt })) return true
    return false
  }
}
