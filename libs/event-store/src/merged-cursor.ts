import type { ListCursor } from './list-cursor.ts'

/** Where an entry stands; `ListCursor` is one. */
type Entry = Pick<ListCursor, 'createdAt' | 'prefix' | 'sequence' | 'id'>

/** Whether `a` is served before `b`; asks for whole ids only where all else is equal. */
function isBefore(a: Entry, b: Entry): boolean {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt
  if (a.prefix !== b.prefix) return a.prefix < b.prefix
  return a.sequence !== b.sequence && Buffer.from(a.id()).compare(b.id()) < 0
}

/** Several lists as one, in served order, each event once: a binary heap of cursors. */
export class MergedCursor {
  readonly #heap: ListCursor[]

  constructor(cursors: readonly ListCursor[]) {
    this.#heap = cursors.filter((cursor) => !cursor.isAtEnd)
    for (let index = (this.#heap.length >>> 1) - 1; index >= 0; index--) this.#sink(index)
  }

  /** The list that holds the current entry; undefined at the end. */
  get current(): ListCursor | undefined {
    return this.#heap[0]
  }

  next(): void {
    const sequence = this.#heap[0]?.sequence
    do this.#step()
    while (this.#heap[0] !== undefined && this.#heap[0].sequence === sequence)
  }

  /**
   * Goes on to an entry of another list, in served order from call to call, and tells whether it is here too: false means
   * no. It goes at most `stepsMax` steps; null: it is not there yet.
   */
  meets(entry: Entry, stepsMax: number): boolean | null {
    for (let step = 0; step < stepsMax; step++) {
      const { current } = this
      if (current === undefined || !isBefore(current, entry)) return current?.sequence === entry.sequence
      this.#step()
    }
    return null
  }

  #step(): void {
    const first = this.#heap[0]
    if (first === undefined) return
    first.next()
    if (first.isAtEnd) {
      const last = this.#heap.pop()
      if (last !== undefined && this.#heap.length > 0) this.#heap[0] = last
    }
    this.#sink(0)
  }

  #sink(start: number): void {
    const heap = this.#heap
    const moved = heap[start]
    if (moved === undefined) return
    let index = start
    while (true) {
      let child = 2 * index + 1
      const left = heap[child]
      if (left === undefined) break
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, left)) child++
      const first = heap[child] as ListCursor
      if (!isBefore(first, moved)) break
      heap[index] = first
      index = child
    }
    heap[index] = moved
  }
}
