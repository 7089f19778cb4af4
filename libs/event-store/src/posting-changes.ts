import { comparePositions, ENTRY_BYTES, type Posting, type SortedPostings, writeEntry } from './postings.ts'
import type { StoredEvent } from './stored-event.ts'
import { TouchedLists } from './touched-lists.ts'

interface Change {
  readonly posting: Posting
  readonly isRemoval: boolean
  /** Where its lists begin among the numbers of all, and where they end. */
  readonly listsFrom: number
  readonly listsTo: number
  isWithdrawn: boolean
}

/** What one transaction does to the lists, collected event by event and read list by list. */
export class PostingChanges {
  readonly #lists = new TouchedLists()
  readonly #changes: Change[] = []
  /** Those that add, by sequence number. */
  readonly #additions = new Map<number, Change>()
  /** The lists of all changes, one change after the other. */
  readonly #listNumbers: number[] = []
  /** The last change of each list, because a tag given twice puts an event into its list once. */
  readonly #lastChanges: number[] = []

  /** Takes in an event that comes or goes; answers in how many lists it is. */
  add(event: StoredEvent, posting: Posting, isRemoval: boolean): number {
    const numbers = this.#listNumbers
    const change = this.#changes.length
    const listsFrom = numbers.length
    this.#lists.collect(event, numbers)
    let listsTo = listsFrom
    for (let at = listsFrom; at < numbers.length; at++) {
      const list = numbers[at] as number
      if (this.#lastChanges[list] === change) continue
      this.#lastChanges[list] = change
      numbers[listsTo++] = list
    }
    numbers.length = listsTo
    const added = { posting, isRemoval, listsFrom, listsTo, isWithdrawn: false }
    this.#changes.push(added)
    if (!isRemoval) this.#additions.set(posting.sequence, added)
    return listsTo - listsFrom
  }

  /** Forgets an event that came; answers in how many lists it was. */
  withdraw({ sequence }: Posting): number {
    const change = this.#additions.get(sequence)
    if (change === undefined) return 0
    change.isWithdrawn = true
    return change.listsTo - change.listsFrom
  }

  /** Everything by list. The changes are sorted once, and with them those of each list. */
  byList(): ListedChanges {
    const changes = this.#changes
      .filter(({ isWithdrawn }) => !isWithdrawn)
      .sort((a, b) => comparePositions(a.posting, b.posting))
    const { keys } = this.#lists
    const numbers = this.#listNumbers
    const ends = new Uint32Array(keys.length + 1)
    for (const { listsFrom, listsTo } of changes)
      for (let at = listsFrom; at < listsTo; at++) increment(ends, (numbers[at] as number) + 1)
    for (let list = 1; list < ends.length; list++)
      ends[list] = numberAt(ends, list) + numberAt(ends, list - 1)
    const next = ends.slice()
    const ranks = new Uint32Array(numberAt(ends, keys.length))
    changes.forEach(({ listsFrom, listsTo }, rank) => {
      for (let index = listsFrom; index < listsTo; index++)
        ranks[increment(next, numbers[index] as number)] = rank
    })
    return new ListedChanges(keys, ends, ranks, changes)
  }
}

/** The changes of a transaction by list; of each list in served order, as ranks among all of them. */
export class ListedChanges implements SortedPostings {
  /** The key of each list, by its number. */
  readonly keys: readonly Buffer[]
  readonly postings: readonly Posting[]
  readonly entries: Buffer
  readonly #ends: Uint32Array
  readonly #ranks: Uint32Array
  readonly #isRemoval: Uint8Array

  constructor(keys: readonly Buffer[], ends: Uint32Array, ranks: Uint32Array, changes: readonly Change[]) {
    this.keys = keys
    this.#ends = ends
    this.#ranks = ranks
    this.postings = changes.map(({ posting }) => posting)
    this.#isRemoval = Uint8Array.from(changes, ({ isRemoval }) => (isRemoval ? 1 : 0))
    this.entries = Buffer.allocUnsafeSlow(changes.length * ENTRY_BYTES)
    for (const [rank, posting] of this.postings.entries())
      writeEntry(this.entries, rank * ENTRY_BYTES, posting)
  }

  /** Numbers of the lists in the order of their keys, so that neighbours among them share pages. */
  inKeyOrder(): Uint32Array {
    const prefixes = Float64Array.from(this.keys, prefixOf)
    const order = Uint32Array.from(this.keys.keys())
    return order.sort((a, b) => {
      const difference = (prefixes[a] as number) - (prefixes[b] as number)
      return difference === 0 ? Buffer.compare(this.keys[a] as Buffer, this.keys[b] as Buffer) : difference
    })
  }

  /** The ranks of a list's changes. */
  of(list: number): Uint32Array {
    return this.#ranks.subarray(numberAt(this.#ends, list), numberAt(this.#ends, list + 1))
  }

  isRemoval(rank: number): boolean {
    return this.#isRemoval[rank] === 1
  }
}

const PREFIX_BYTES = 6

/** The first bytes as a number; shorter keys as if followed by zeros. */
const prefixOf = (key: Buffer): number =>
  key.length >= PREFIX_BYTES
    ? key.readUIntBE(0, PREFIX_BYTES)
    : key.readUIntBE(0, key.length) * 256 ** (PREFIX_BYTES - key.length)

const numberAt = (numbers: Uint32Array, index: number): number => numbers[index] as number

/** Answers the number as it was. */
function increment(numbers: Uint32Array, index: number): number {
  const before = numbers[index] as number
  numbers[index] = before + 1
  return before
}
