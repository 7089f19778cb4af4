/**
 * Signed events in order of created_at (in one second the highest id first, where answers to several limited filters are to
 * be checked), ready to be sent, with what the oracle needs to know of them. An event is known by its
 * index. The first `baseCount` are loaded before anything is measured; the others, all of regular kinds that everybody may
 * read, wait in the pool to be published while the clock runs, in order, each once.
 */
export interface Corpus {
  readonly count: number
  readonly baseCount: number
  /** Index → the first digits of the id (id-key.ts). */
  readonly keys: Float64Array
  /** Index → seconds since the Unix epoch; never falls. */
  readonly createdAt: Float64Array
  readonly kinds: Uint16Array
  /** Index → 1 for a version of a replaceable or addressable event that is not the newest one. */
  readonly isSuperseded: Uint8Array
  /** Index → 1 for a kind that relays show only to its people: 4, 13, 14, 15, 1059. */
  readonly isPrivate: Uint8Array
  /** Whose event it is, and what its e, p and t tags name: indices, ascending. */
  readonly byAuthor: ReadonlyMap<string, readonly number[]>
  readonly byTag: { readonly [Letter in IndexedTag]: ReadonlyMap<string, readonly number[]> }
  /** The index of an event by its key. */
  indexOf(key: number): number | undefined
  /** The id, 64 hex digits, read from the frame. */
  idOf(index: number): string
  /** EVENT frames of the events from one index to before another, in one piece. */
  frames(from: number, to: number): Buffer
}

export const INDEXED_TAGS = ['e', 'p', 't'] as const
export type IndexedTag = (typeof INDEXED_TAGS)[number]
