import { addressOf, kindClass, type NostrEvent } from '@millrace/nostr'
import type { Metrics } from '@millrace/observability'
import type { CurrentVersion, EventReader, Overlay } from '@millrace/read-models'
import { RecentIds } from '../recent-ids.ts'
import type { KnownLog } from './known-keys.ts'
import { compareVersions, type Winners } from './winners.ts'

/** duplicate: this event is durable already; superseded: a newer version of its address is. */
export type Verdict = 'new' | 'duplicate' | 'superseded'

export interface NoveltyParts {
  readonly known: KnownLog
  readonly winners: Winners
  readonly overlay: Pick<Overlay, 'has'>
  readonly reader: Pick<EventReader, 'isKnownNow' | 'lookup' | 'currentVersions'>
  readonly metrics: Pick<Metrics, 'count'>
  readonly recentIdsMax: number
  /** Longest wait for the store, milliseconds. */
  readonly lookupTimeoutMs: number
}

/**
 * Tells what the log holds already. A key outside the Bloom filters is new without asking anybody; otherwise the exact
 * caches are asked, then the serving view, then the store. While the store is away or slow an event counts as new: appending it again changes nothing, because
 * every fold is idempotent and the winner rule decides by the events alone.
 */
export class Novelty {
  readonly #parts: NoveltyParts
  readonly #recentIds: RecentIds

  constructor(parts: NoveltyParts) {
    this.#parts = parts
    this.#recentIds = new RecentIds(parts.recentIdsMax)
  }

  /** Ids held exactly. */
  get recentIds(): number {
    return this.#recentIds.size
  }

  async judge(event: NostrEvent): Promise<Verdict> {
    if (kindClass(event.kind) === 'ephemeral') return this.#recentIds.has(event.id) ? 'duplicate' : 'new'
    const address = addressOf(event)
    return address === null ? this.#judgeId(event) : this.#judgeVersion(event, address)
  }

  /** Takes in an event that is durable now. */
  met(event: NostrEvent): void {
    this.#recentIds.add(event.id)
    if (kindClass(event.kind) === 'ephemeral') return
    const { known, winners } = this.#parts
    known.addId(event.id)
    const address = addressOf(event)
    if (address === null) return
    winners.met(event, !known.mayHaveAddress(address))
    known.addAddress(address)
  }

  /** Whether a newer version of the event's address is known here, without asking the store. */
  isKnownSuperseded(event: NostrEvent): boolean {
    const address = addressOf(event)
    const newest = address === null ? null : this.#parts.winners.get(address).newest
    return newest !== null && compareVersions(event, newest) === 'older'
  }

  /** Asks the store about the addresses that it alone can tell about; afterwards isKnownSuperseded is exact for them. */
  async learnVersions(events: readonly NostrEvent[]): Promise<void> {
    const addresses = new Set<string>()
    for (const event of events) {
      const address = addressOf(event)
      if (address !== null && this.#isInDoubt(address)) addresses.add(address)
    }
    if (addresses.size > 0) await this.#askVersions([...addresses])
  }

  async #judgeId(event: NostrEvent): Promise<Verdict> {
    const { known, overlay, reader, metrics } = this.#parts
    const { id } = event
    if (!known.mayHaveId(id)) return this.#told('bloom', 'new')
    if (this.#recentIds.has(id)) return this.#told('recent', 'duplicate')
    if (overlay.has(id)) return this.#told('overlay', 'duplicate')
    const isKnown = reader.isKnownNow?.(event) ?? null
    if (isKnown !== null) return this.#told('view', isKnown ? 'duplicate' : 'new')
    const found = await this.#inTime(reader.lookup([id]))
    if (found === null || !found.ok) return this.#told('none', 'new')
    if (found.value.has(id)) return this.#told('store', 'duplicate')
    if (known.isComplete) metrics.count('relay_duplicate_false_positives_total', {})
    return this.#told('store', 'new')
  }

  #told(
    by: 'bloom' | 'recent' | 'overlay' | 'view' | 'store' | 'none',
    result: 'new' | 'duplicate',
  ): Verdict {
    this.#parts.metrics.count('relay_duplicate_checks_total', { by, result })
    return result
  }

  async #judgeVersion(event: NostrEvent, address: string): Promise<Verdict> {
    if (this.#isInDoubt(address)) await this.#askVersions([address])
    return verdictOf(event, this.#parts.winners.get(address).newest)
  }

  #isInDoubt(address: string): boolean {
    return !this.#parts.winners.get(address).isExact && this.#parts.known.mayHaveAddress(address)
  }

  async #askVersions(addresses: readonly string[]): Promise<void> {
    const { reader, winners } = this.#parts
    const found = await this.#inTime(reader.currentVersions(addresses))
    if (!found?.ok) return
    for (const address of addresses) winners.learn(address, found.value.get(address) ?? null)
  }

  /** The answer, or null when it takes too long. */
  async #inTime<T>(answer: Promise<T>): Promise<T | null> {
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), this.#parts.lookupTimeoutMs)
    })
    try {
      return await Promise.race([answer, tooLate])
    } finally {
      clearTimeout(timer)
    }
  }
}

function verdictOf(event: NostrEvent, newest: CurrentVersion | null): Verdict {
  if (newest === null) return 'new'
  const comparison = compareVersions(event, newest)
  return comparison === 'same' ? 'duplicate' : comparison === 'older' ? 'superseded' : 'new'
}
