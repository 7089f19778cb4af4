import { isProtected } from '@millrace/nostr'
import type { Draft, Template } from './draft.ts'
import type { Corpus } from './options.ts'
import type { Random } from './random.ts'
import { type KeyPair, keyPairOf } from './signing/key.ts'
import { NAMES } from './text.ts'

export interface Author extends KeyPair {
  readonly name: string
  /** Names of their articles and videos, to be published again as new versions. */
  readonly slugs: { readonly kind: number; readonly d: string }[]
  /** Own posts that a deletion request may name. */
  readonly posts: Draft['event'][]
}

/** Makes one kind of event; null when what it needs is not there yet (nothing to react to). */
export type Maker = (world: World, author: Author) => Template | null

/** How many posts may still be answered, reacted to or zapped. */
const POSTS_KEPT_MAX = 4_096
const OWN_POSTS_KEPT_MAX = 16
const SLUGS_KEPT_MAX = 32

export const RELAY_HINTS = [
  'wss://relay.example.com',
  'wss://nos.example.net',
  'wss://purple.example.org',
  '',
] as const

/** What has happened so far, as far as later events refer to it; bounded, however large the corpus. */
export class World {
  readonly random: Random
  readonly #corpus: Corpus
  readonly #authorsByIndex = new Map<number, Author>()
  /** In order of their first event. */
  readonly authors: Author[] = []
  readonly notes: Draft[] = []
  readonly publications: Draft[] = []
  /** Lightning services that sign zap receipts. */
  readonly zappers: readonly KeyPair[]
  /** Seconds since the Unix epoch; never goes back. */
  nowS: number

  constructor(corpus: Corpus, random: Random) {
    this.#corpus = corpus
    this.random = random
    this.nowS = corpus.fromS
    this.zappers = [1, 2, 3].map((n) => keyPairOf(`millrace corpus ${corpus.seed} zapper ${n}`))
  }

  /** Who writes next, and whether this is the first time. */
  nextAuthor(): { readonly author: Author; readonly isNew: boolean } {
    const index = this.random.skewedIndex(this.#corpus.authorCount)
    const known = this.#authorsByIndex.get(index)
    if (known !== undefined) return { author: known, isNew: false }
    const author: Author = {
      ...keyPairOf(`millrace corpus ${this.#corpus.seed} author ${index}`),
      name: `${this.random.pick(NAMES)}${this.random.chance(0.5) ? index : ''}`,
      slugs: [],
      posts: [],
    }
    this.#authorsByIndex.set(index, author)
    this.authors.push(author)
    return { author, isNew: true }
  }

  /** A key used once: gift wraps are signed by one (NIP-59). */
  oneTimeKey(): KeyPair {
    return keyPairOf(`millrace corpus ${this.#corpus.seed} once ${this.random.hex(16)}`)
  }

  /** Somebody who has written before, popular ones more often. */
  somebody(): Author {
    return this.authors[this.random.skewedIndex(this.authors.length)] as Author
  }

  /** A recent post: new ones and, among them, some far more often than others. */
  recent(posts: readonly Draft[]): Draft | null {
    if (posts.length === 0) return null
    const back = this.random.skewedIndex(posts.length)
    return posts[posts.length - 1 - back] as Draft
  }

  hint(): string {
    return this.random.pick(RELAY_HINTS)
  }

  /** Makes an event known to those that follow. */
  remember(draft: Draft, author: Author): void {
    const { event } = draft
    if (event.kind === 1 && !isProtected(event)) keep(this.notes, draft, POSTS_KEPT_MAX)
    if (PUBLICATION_KINDS.has(event.kind)) keep(this.publications, draft, POSTS_KEPT_MAX)
    if (event.kind === 1 || event.kind === 7) keep(author.posts, event, OWN_POSTS_KEPT_MAX)
  }

  /** The name of a new article or video of the author, or of an earlier one that gets a new version. */
  slug(author: Author, kind: number): { readonly d: string; readonly isNew: boolean } {
    const earlier = author.slugs.filter((slug) => slug.kind === kind)
    if (earlier.length > 0 && this.random.chance(0.3)) return { d: this.random.pick(earlier).d, isNew: false }
    const d = `${this.random.pick(NAMES)}-${this.random.hex(4)}`
    keep(author.slugs, { kind, d }, SLUGS_KEPT_MAX)
    return { d, isNew: true }
  }
}

const PUBLICATION_KINDS = new Set([20, 21, 22, 1063, 30023, 34235, 34236])

/** Appends; drops the older half when full, so that it costs next to nothing per event. */
function keep<T>(list: T[], item: T, max: number): void {
  list.push(item)
  if (list.length > max) list.splice(0, list.length >> 1)
}
