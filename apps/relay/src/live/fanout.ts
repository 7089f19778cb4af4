import type { Result } from '@millrace/kernel'
import type { Filter, NostrEvent } from '@millrace/nostr'
import type { Metrics } from '@millrace/observability'
import { SubscriptionIndex } from '@millrace/subscription-index'
import { RecentIds } from '../recent-ids.ts'
import { LiveEvent } from './live-event.ts'

/** Where live events go. */
export interface Subscriber {
  /** Must not throw; the subscriber decides whether its client may read the event. */
  deliver(live: LiveEvent): void
}

/** Matches events of the log against every open subscription of this edge. */
export class Fanout {
  readonly #index = new SubscriptionIndex<Subscriber>()
  /** An id appended twice is delivered once. */
  readonly #delivered: RecentIds
  readonly #metrics: Metrics

  constructor(recentIdsMax: number, metrics: Metrics) {
    this.#delivered = new RecentIds(recentIdsMax)
    this.#metrics = metrics
  }

  get size(): number {
    return this.#index.size
  }

  /** Fault subscriptions-too-many when all filters together would need too much memory. */
  add(subscriber: Subscriber, filters: readonly Filter[]): Result<void> {
    return this.#index.add(subscriber, filters)
  }

  remove(subscriber: Subscriber): void {
    this.#index.remove(subscriber)
  }

  /** Whether somebody waits for such an event. */
  isWanted(event: NostrEvent): boolean {
    return this.#index.size > 0 && this.#index.match(event).length > 0
  }

  /** Notes that the event went by, so that a second copy of it is not taken for a new one. */
  skip(event: NostrEvent): void {
    this.#delivered.add(event.id)
  }

  deliver(event: NostrEvent, json: () => string): void {
    if (this.#delivered.has(event.id)) return
    this.#delivered.add(event.id)
    const subscribers = this.#index.match(event)
    if (subscribers.length === 0) return
    const live = new LiveEvent(event, json())
    for (const subscriber of subscribers) subscriber.deliver(live)
    this.#metrics.count('relay_deliveries_total', {}, subscribers.length)
  }
}
