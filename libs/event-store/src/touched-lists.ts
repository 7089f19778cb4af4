import {
  authorKindList,
  authorList,
  isVersioned,
  kindList,
  regularTimeList,
  tagList,
  versionedTimeList,
} from './list-keys.ts'
import { valueOfTagKey } from './record-tags.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * Numbers the lists that one transaction touches, from 0 on. Lists are looked up by what names them, author, kind or value, so
 * that a key is made once for each list and not for each of its entries.
 */
export class TouchedLists {
  /** The key of each list, by its number. */
  readonly keys: Buffer[] = []
  readonly #authors = new Map<string, number>()
  /** By the number of the author's own list and the kind. */
  readonly #authorKinds = new Map<number, number>()
  readonly #kinds = new Map<number, number>()
  /** By the letter's code and the value as `eachIndexedTag` gives it. */
  readonly #tags = new Map<number, Map<string, number>>()
  #regularTime = NONE
  #versionedTime = NONE

  /** Appends the numbers of the lists that an event is in; a tag that it has twice gives its list twice. */
  collect(event: StoredEvent, into: number[]): void {
    const { pubkey, kind } = event
    const author = this.#authorOf(pubkey)
    into.push(this.#timeOf(kind), this.#kindOf(kind), author, this.#authorKindOf(author, pubkey, kind))
    event.eachIndexedTag((letter, value) => into.push(this.#tagOf(letter, value)))
  }

  #timeOf(kind: number): number {
    if (isVersioned(kind)) {
      if (this.#versionedTime === NONE) this.#versionedTime = this.#begin(versionedTimeList)
      return this.#versionedTime
    }
    if (this.#regularTime === NONE) this.#regularTime = this.#begin(regularTimeList)
    return this.#regularTime
  }

  #kindOf(kind: number): number {
    const known = this.#kinds.get(kind)
    if (known !== undefined) return known
    const list = this.#begin(kindList(kind))
    this.#kinds.set(kind, list)
    return list
  }

  #authorOf(pubkey: string): number {
    const known = this.#authors.get(pubkey)
    if (known !== undefined) return known
    const list = this.#begin(authorList(pubkey))
    this.#authors.set(pubkey, list)
    return list
  }

  #authorKindOf(author: number, pubkey: string, kind: number): number {
    const name = author * KINDS + kind
    const known = this.#authorKinds.get(name)
    if (known !== undefined) return known
    const list = this.#begin(authorKindList(pubkey, kind))
    this.#authorKinds.set(name, list)
    return list
  }

  #tagOf(letter: number, value: string): number {
    let values = this.#tags.get(letter)
    if (values === undefined) {
      values = new Map()
      this.#tags.set(letter, values)
    }
    const known = values.get(value)
    if (known !== undefined) return known
    const list = this.#begin(tagList(String.fromCharCode(letter), valueOfTagKey(value)))
    values.set(value, list)
    return list
  }

  #begin(key: Buffer): number {
    return this.keys.push(key) - 1
  }
}

const NONE = -1
const KINDS = 65_536
