import { isIndexedName, type NostrEvent } from '@millrace/nostr'
import {
  authorKindList,
  authorList,
  isVersioned,
  kindList,
  regularTimeList,
  tagList,
  versionedTimeList,
} from './list-keys.ts'
import type { Posting } from './postings.ts'

/** What one transaction changes in one list. */
export interface ListChange {
  readonly list: Buffer
  readonly added: Posting[]
  readonly removed: Posting[]
  /** The last event that was looked at: a tag given twice puts it into the list once. */
  lastEvent: number
}

interface AuthorChange {
  readonly all: ListChange
  readonly kinds: Map<number, ListChange>
}

/**
 * The changes of a transaction by list. Lists are looked up by what names them, author, kind or value, so that a key is made
 * once for each list and not for each of its entries.
 */
export class ListChanges {
  /** Every changed list, in the order in which they were met. */
  readonly all: ListChange[] = []
  readonly #authors = new Map<string, AuthorChange>()
  readonly #kinds = new Map<number, ListChange>()
  readonly #tags = new Map<string, Map<string, ListChange>>()
  #regularTime: ListChange | undefined
  #versionedTime: ListChange | undefined
  #event = 0

  /** The changes of every list that the event is in, each once; overwritten by the next call. */
  of(event: NostrEvent): readonly ListChange[] {
    const lists: ListChange[] = [this.#timeOf(event.kind), this.#kindOf(event.kind)]
    const author = this.#authorOf(event.pubkey)
    let authorKind = author.kinds.get(event.kind)
    if (authorKind === undefined) {
      authorKind = this.#begin(authorKindList(event.pubkey, event.kind))
      author.kinds.set(event.kind, authorKind)
    }
    lists.push(author.all, authorKind)
    const number = ++this.#event
    for (const [name, value] of event.tags) {
      if (name === undefined || value === undefined || !isIndexedName(name)) continue
      const change = this.#tagOf(name, value)
      if (change.lastEvent === number) continue
      change.lastEvent = number
      lists.push(change)
    }
    return lists
  }

  #timeOf(kind: number): ListChange {
    if (isVersioned(kind)) {
      this.#versionedTime ??= this.#begin(versionedTimeList)
      return this.#versionedTime
    }
    this.#regularTime ??= this.#begin(regularTimeList)
    return this.#regularTime
  }

  #kindOf(kind: number): ListChange {
    let change = this.#kinds.get(kind)
    if (change === undefined) {
      change = this.#begin(kindList(kind))
      this.#kinds.set(kind, change)
    }
    return change
  }

  #authorOf(pubkey: string): AuthorChange {
    let change = this.#authors.get(pubkey)
    if (change === undefined) {
      change = { all: this.#begin(authorList(pubkey)), kinds: new Map() }
      this.#authors.set(pubkey, change)
    }
    return change
  }

  #tagOf(letter: string, value: string): ListChange {
    let values = this.#tags.get(letter)
    if (values === undefined) {
      values = new Map()
      this.#tags.set(letter, values)
    }
    let change = values.get(value)
    if (change === undefined) {
      change = this.#begin(tagList(letter, value))
      values.set(value, change)
    }
    return change
  }

  #begin(list: Buffer): ListChange {
    const change: ListChange = { list, added: [], removed: [], lastEvent: 0 }
    this.all.push(change)
    return change
  }
}
