import type { LoggedEvent } from '@millrace/event-store'
import type { Tombstone } from '@millrace/nostr'
import { AUTHORS, NaiveRelay, type NaiveTombstone, type SignedEvent } from '@millrace/testkit'

/**
 * The naive relay over some events of a log, in whatever order it holds them: the oldest are admitted first, so that it
 * refuses none as superseded, and the tombstones come last.
 */
export function naiveRelay(
  events: readonly LoggedEvent[],
  tombstones: readonly (Tombstone & NaiveTombstone)[],
): NaiveRelay {
  const relay = new NaiveRelay()
  const everybody = new Set(AUTHORS)
  const oldestFirst = events
    .map(({ event }) => event as SignedEvent)
    .sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? 1 : -1))
  for (const event of oldestFirst) relay.admit(event, 0, everybody)
  for (const tombstone of tombstones) relay.tombstone(tombstone)
  return relay
}

/** Numbers from a seed, so that a failure names what it needs to come again (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
