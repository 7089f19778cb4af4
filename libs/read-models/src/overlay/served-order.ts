import { comparePositions, type Position } from '../position.ts'

/** Half of it after a split: insertion anywhere moves at most this many slots. */
const CHUNK_ENTRIES_MAX = 512

/** A set of positioned items kept in the order in which results are served; cheap to insert into anywhere. */
export class ServedOrder<T extends Position> {
  readonly #chunks: T[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds an item that is not there yet. */
  add(item: T): void {
    const at = Math.min(this.#chunkAfter(item), this.#chunks.length - 1)
    const chunk = this.#chunks[at]
    this.#size++
    if (chunk === undefined) {
      this.#chunks.push([item])
      return
    }
    chunk.splice(firstAfter(chunk, item), 0, item)
    if (chunk.length > CHUNK_ENTRIES_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_ENTRIES_MAX >> 1))
  }

  /** Removes the item at this position, if there is one. */
  delete(position: Position): void {
    // The chunk whose last item is not before the position holds it, or nobody does.
    const at = this.#chunkNotBefore(position)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    const slot = firstAfter(chunk, position) - 1
    const found = chunk[slot]
    if (found === undefined || comparePositions(found, position) !== 0) return
    chunk.splice(slot, 1)
    this.#size--
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** The items after a position (null: all), in order. The set must not change meanwhile. */
  *after(position: Position | null): Generator<T, void, undefined> {
    let at = position === null ? 0 : this.#chunkAfter(position)
    let slot = position === null ? 0 : firstAfter(this.#chunks[at] ?? [], position)
    for (; at < this.#chunks.length; at++, slot = 0) {
      const chunk = this.#chunks[at] ?? []
      for (; slot < chunk.length; slot++) yield chunk[slot] as T
    }
  }

  /** The first chunk with an item after the position; the number of chunks when there is none. */
  #chunkAfter(position: Position): number {
    return this.#firstChunk((last) => comparePositions(last, position) > 0)
  }

  #chunkNotBefore(position: Position): number {
    return this.#firstChunk((last) => comparePositions(last, position) >= 0)
  }

  #firstChunk(test: (last: T) => boolean): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      const last = this.#chunks[middle]?.at(-1)
      if (last !== undefined && test(last)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** The first slot of a sorted list whose item comes after the position. */
function firstAfter<T extends Position>(list: readonly T[], position: Position): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    const item = list[middle]
    if (item !== undefined && comparePositions(item, position) > 0) high = middle
    else low = middle + 1
  }
  return low
}
