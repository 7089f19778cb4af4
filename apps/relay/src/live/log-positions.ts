import type { Offset } from '@millrace/kafka'

interface Waiter {
  readonly isThere: () => boolean
  readonly resolve: () => void
}

/** How far this edge has read each partition: the next offset it will meet. */
export class LogPositions {
  readonly #next = new Map<string, Map<number, Offset>>()
  readonly #waiters = new Set<Waiter>()

  get(topic: string, partition: number): Offset | undefined {
    return this.#next.get(topic)?.get(partition)
  }

  /** The next offsets of a topic by partition, as they are from moment to moment. */
  of(topic: string): ReadonlyMap<number, Offset> {
    return this.#next.get(topic) ?? NONE
  }

  /** The next offsets of a topic as an immutable copy, by partition. */
  snapshot(topic: string): ReadonlyMap<number, Offset> {
    return new Map(this.#next.get(topic))
  }

  advance(topic: string, partition: number, nextOffset: Offset): void {
    const partitions = this.#next.get(topic) ?? new Map<number, Offset>()
    this.#next.set(topic, partitions)
    if (nextOffset < (partitions.get(partition) ?? 0)) return
    partitions.set(partition, nextOffset)
    for (const waiter of this.#waiters) if (waiter.isThere()) waiter.resolve()
  }

  /** Resolves once every partition of the topic was read up to its given end, or when the signal aborts. */
  reached(topic: string, ends: ReadonlyMap<number, Offset>, signal: AbortSignal): Promise<void> {
    const isThere = () => [...ends].every(([partition, end]) => (this.get(topic, partition) ?? 0) >= end)
    if (isThere() || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = () => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      const waiter = { isThere, resolve: settle }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', settle, { once: true })
    })
  }
}

const NONE: ReadonlyMap<number, Offset> = new Map()
