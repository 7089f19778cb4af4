import { comparePositions, type Position } from '../position.ts'
import { ServedOrder } from './served-order.ts'

/** Key → its items in served order. Most keys (a tag value, an author) have one item, which is kept without a list. */
export class Postings<K, T extends Position> {
  readonly #lists = new Map<K, T | ServedOrder<T>>()

  add(key: K, item: T): void {
    const known = this.#lists.get(key)
    if (known === undefined) {
      this.#lists.set(key, item)
      return
    }
    if (known instanceof ServedOrder) {
      known.add(item)
      return
    }
    const list = new ServedOrder<T>()
    list.add(known)
    list.add(item)
    this.#lists.set(key, list)
  }

  delete(key: K, position: Position): void {
    const known = this.#lists.get(key)
    if (known === undefined) return
    if (known instanceof ServedOrder) {
      known.delete(position)
      if (known.size === 0) this.#lists.delete(key)
    } else if (comparePositions(known, position) === 0) this.#lists.delete(key)
  }

  sizeOf(key: K): number {
    const known = this.#lists.get(key)
    return known === undefined ? 0 : known instanceof ServedOrder ? known.size : 1
  }

  /** The items of a key after a position (null: all), in order; null when the key has none at all. */
  after(key: K, position: Position | null): Iterator<T> | null {
    const known = this.#lists.get(key)
    if (known === undefined) return null
    if (known instanceof ServedOrder) return known.after(position)
    const isAfter = position === null || comparePositions(known, position) > 0
    return isAfter ? [known].values() : null
  }
}
