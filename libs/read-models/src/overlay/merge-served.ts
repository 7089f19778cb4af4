import { comparePositions, type Position } from '../position.ts'

interface Head<T> {
  item: T
  readonly rest: Iterator<T>
}

/** Merges iterators that are each in served order into one; an item that several hold comes once. */
export function* mergeServed<T extends Position>(
  sources: readonly Iterator<T>[],
): Generator<T, void, undefined> {
  const heap: Head<T>[] = []
  for (const rest of sources) {
    const first = rest.next()
    if (!first.done) heap.push({ item: first.value, rest })
  }
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at)
  let last: T | null = null
  for (let head = heap[0]; head !== undefined; head = heap[0]) {
    if (last === null || comparePositions(last, head.item) !== 0) yield head.item
    last = head.item
    const next = head.rest.next()
    if (next.done) {
      const moved = heap.pop()
      if (moved !== undefined && moved !== head) heap[0] = moved
    } else head.item = next.value
    sink(heap, 0)
  }
}

function sink<T extends Position>(heap: Head<T>[], from: number): void {
  let at = from
  while (true) {
    const left = 2 * at + 1
    const first = earliest(heap, earliest(heap, at, left), left + 1)
    if (first === at) return
    const a = heap[at] as Head<T>
    heap[at] = heap[first] as Head<T>
    heap[first] = a
    at = first
  }
}

function earliest<T extends Position>(heap: readonly Head<T>[], a: number, b: number): number {
  const one = heap[a]
  const other = heap[b]
  if (one === undefined || other === undefined) return a
  return comparePositions(other.item, one.item) < 0 ? b : a
}
