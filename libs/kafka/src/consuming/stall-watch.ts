import { partitionKey } from './backend.ts'

/** A partition as the watch sees it at one moment. */
export interface WatchedPartition {
  readonly topic: string
  readonly partition: number
  readonly position: number
  /** The partition's end, asked for apart from fetching: a stalled fetcher cannot hide it. */
  readonly endOffset: number
  /** Its owner is at work on it, so standing still is back-pressure. */
  readonly busy: boolean
}

/** Finds partitions that have records to read and an idle owner, and yet don't move. */
export class StallWatch {
  readonly #stallTimeoutMs: number
  readonly #since = new Map<string, { position: number; sinceMs: number }>()

  constructor(stallTimeoutMs: number) {
    this.#stallTimeoutMs = stallTimeoutMs
  }

  /** The first partition that has stood still for the whole timeout, or null. */
  check(partitions: readonly WatchedPartition[], nowMs: number): WatchedPartition | null {
    for (const watched of partitions) {
      const key = partitionKey(watched)
      const known = this.#since.get(key)
      const moving =
        watched.busy || watched.position >= watched.endOffset || known?.position !== watched.position
      if (moving) this.#since.set(key, { position: watched.position, sinceMs: nowMs })
      else if (known && nowMs - known.sinceMs >= this.#stallTimeoutMs) return watched
    }
    return null
  }
}
