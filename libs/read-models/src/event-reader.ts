import type { Result } from '@millrace/kernel'
import type { Filter, NostrEvent } from '@millrace/nostr'

/** One event ready to be sent. `json` is the event alone; partition and offset say where the log holds it. */
export interface ServedEvent {
  /** 64 lowercase hex characters. */
  readonly id: string
  readonly pubkey: string
  readonly kind: number
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  /** The event as JSON, NIP-01's seven fields. */
  readonly json: string
  /** Length of the JSON in UTF-8, where it is at hand without encoding; then there is `copyJson` too. */
  readonly jsonBytes?: number
  /** Writes the JSON in UTF-8 to a place with room for `jsonBytes`. */
  copyJson?(into: Buffer, at: number): void
  readonly partition: number
  readonly offset: number
}

/** Who asks, and when: guards and expiry depend on it. */
export interface ReadContext {
  /** Pubkeys the asker authenticated as (NIP-42); empty for everybody else. */
  readonly authedPubkeys: ReadonlySet<string>
  /** Seconds since the Unix epoch: events that expire at or before it are not served (NIP-40). */
  readonly nowS: number
  /** Aborts the read: the iteration ends without a fault and a running query is cancelled. */
  readonly signal?: AbortSignal | undefined
}

/** The version that rules an address: shown or not (an expired one still hides what is older, DESIGN 2.5). */
export interface CurrentVersion {
  readonly id: string
  readonly createdAt: number
}

/** Is handed events one after the other, in served order. Each is lent: after the call it may be another one. */
export type TakeServed = (event: ServedEvent) => void

/**
 * Everything that was acknowledged, wherever it lies by now: the one way in which REQ is answered (DESIGN 3).
 * Read-your-own-writes holds: what was added to the overlay before the call is part of the answer.
 */
export interface EventReader {
  /**
   * The initial answer to a REQ: the union of what the filters match, each filter cut at its own `limit`
   * (LIMITS.filterLimitDefault when it names none), every event once, by created_at descending, then id ascending.
   * Superseded, deleted, expired and unreadable events are left out before the cut. Comes in chunks of bounded size;
   * a fault (clickhouse-unavailable, clickhouse-refused, timeout, queue-full) is the last element.
   */
  query(filters: readonly Filter[], context: ReadContext): AsyncIterable<Result<readonly ServedEvent[]>>
  /**
   * Hands over the same answer as a whole, if it is at hand within a few milliseconds and without waiting for anybody. False:
   * `query` is to be asked, and what was handed over is to be forgotten.
   */
  answerNow?(filters: readonly Filter[], context: ReadContext, take: TakeServed): boolean
  /**
   * Whether an event of a regular kind was acknowledged, told without waiting for anybody; null: only `lookup` can tell. An
   * erased one counts as unknown.
   */
  isKnownNow?(event: Pick<NostrEvent, 'id' | 'created_at'>): boolean | null
  /**
   * Where the given event ids lie, superseded versions included and guards not applied: for admission, never for
   * clients. Ids that are not there are missing from the map. Concurrent calls share queries.
   */
  lookup(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ServedEvent>>>
  /**
   * The newest version at each `kind:pubkey:d` address that no tombstone covers, expired ones included: for
   * admission. Addresses without one are missing from the map. Concurrent calls share queries.
   */
  currentVersions(addresses: readonly string[]): Promise<Result<ReadonlyMap<string, CurrentVersion>>>
}
