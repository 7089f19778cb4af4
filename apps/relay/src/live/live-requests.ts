import type { Log, LogAdmin, Offset } from '@millrace/kafka'
import { type Clock, delayMs } from '@millrace/kernel'
import {
  type FloorFacts,
  isErasureRequest,
  type NostrEvent,
  type Tombstone,
  type TombstoneSet,
  tombstonesOf,
} from '@millrace/nostr'
import type { Logger } from '@millrace/observability'
import { TOPICS } from '@millrace/topics'
import { endsOf } from './ends-of.ts'
import { readEventRecord } from './event-records.ts'
import type { LogPositions } from './log-positions.ts'

export interface LiveRequestsParts {
  readonly kafka: Pick<Log, 'admin' | 'readToEnd'>
  readonly tombstones: TombstoneSet
  readonly positions: LogPositions
  readonly partitionCount: number
  readonly clock: Clock
  readonly log: Logger
  /** Called for every tombstone, after the set has it. */
  readonly onTombstone: (tombstone: Tombstone) => void
  readonly settleIntervalMs: number
}

/** The events that a request names, as far as they are known here. */
export type KnownTargets = ReadonlyMap<string, FloorFacts>

export type FindTargets = (requests: readonly NostrEvent[]) => Promise<KnownTargets>

/** The group whose committed offsets say up to where requests have become tombstones (apps/deletion). */
const DELETION_GROUP = 'deletion'
export const NO_TARGETS: KnownTargets = new Map()

/**
 * Requests for erasure (kinds 5 and 62) that the deletion consumer has not turned into tombstones yet. The edge draws the same
 * conclusion from them itself, the moment it acknowledges or reads one, so that a deletion is read like any other own write: at
 * once, with the deletion consumer stopped too, and after a restart.
 */
export class LiveRequests {
  readonly #parts: LiveRequestsParts
  /** Next offset of nostr.events by partition: the tombstones of what lies before it are read. */
  #settled: ReadonlyMap<number, Offset> = new Map()
  /** Highest offset of a request by partition that lies past it. */
  readonly #open = new Map<number, Offset>()
  #admin: LogAdmin | null = null
  /** Under which a request to vanish means this relay. */
  relayUrls: readonly string[]

  constructor(parts: LiveRequestsParts, relayUrls: readonly string[]) {
    this.#parts = parts
    this.relayUrls = relayUrls
  }

  /** Whether erasures are in force here whose tombstones may not be in the log yet. */
  get isOpen(): boolean {
    return this.#open.size > 0
  }

  /** Whether the request at this place is to be taken in; its tombstones may have been read long ago. */
  concerns(event: Pick<NostrEvent, 'kind'>, partition: number, offset: Offset): boolean {
    return isErasureRequest(event.kind) && offset >= (this.#settled.get(partition) ?? 0)
  }

  /** Puts a durable request in force. @param targets for the floors that deleted versions leave */
  take(request: NostrEvent, partition: number, offset: Offset, targets: KnownTargets): void {
    const { tombstones, clock, onTombstone } = this.#parts
    const context = {
      relayUrls: this.relayUrls,
      find: (id: string) => targets.get(id),
      nowMs: clock.nowMs(),
    }
    const asked = tombstonesOf(request, context)
    if (asked.length === 0) return
    for (const tombstone of asked) {
      tombstones.apply(tombstone)
      onTombstone(tombstone)
    }
    this.#open.set(partition, Math.max(offset, this.#open.get(partition) ?? 0))
  }

  /** Before the tombstones are read: whatever the consumer has passed by now is among them. */
  async begin(): Promise<void> {
    this.#settled = await this.#passed()
  }

  /**
   * Takes in the requests between what the deletion consumer has passed and `starts`, where the live reader begins: so none is
   * forgotten by a restart.
   */
  async catchUp(starts: ReadonlyMap<number, Offset>, find: FindTargets): Promise<void> {
    const stretches = new Map<number, { from: Offset; until: Offset }>()
    for (const [partition, until] of starts) {
      const from = this.#settled.get(partition) ?? 0
      if (from < until) stretches.set(partition, { from, until })
    }
    if (stretches.size === 0) return
    const { kafka, partitionCount, log } = this.#parts
    const records = [...stretches.values()].reduce((sum, { from, until }) => sum + until - from, 0)
    log.info({ records }, 'looking for requests that the deletion consumer has not reached')
    await kafka.readToEnd(
      TOPICS.events,
      async (batch) => {
        const requests = batch.records.flatMap((record) => {
          const event = readEventRecord(record, partitionCount, false)
          return event.ok && event.value !== null && isErasureRequest(event.value.kind)
            ? [{ request: event.value, record }]
            : []
        })
        const targets = await find(requests.map(({ request }) => request))
        for (const { request, record } of requests)
          this.take(request, record.partition, record.offset, targets)
      },
      stretches,
    )
  }

  /** Until the signal aborts: lets go of requests once their tombstones are read from the log. */
  async settleWhile(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delayMs(this.#parts.settleIntervalMs, signal)
      if (!this.isOpen || signal.aborted) continue
      try {
        await this.settle(signal)
      } catch {
        // Kafka is away: they stay in force, and the next round asks again.
      }
    }
    await this.#admin?.close()
  }

  /** One round of it. */
  async settle(signal: AbortSignal): Promise<void> {
    const { kafka, positions } = this.#parts
    const passed = await this.#passed()
    // What the consumer has passed has its tombstones before this end.
    await positions.reached(TOPICS.tombstones, await endsOf(kafka, TOPICS.tombstones), signal)
    if (signal.aborted) return
    this.#settled = passed
    for (const [partition, offset] of this.#open)
      if (offset < (passed.get(partition) ?? 0)) this.#open.delete(partition)
  }

  async #passed(): Promise<ReadonlyMap<number, Offset>> {
    this.#admin ??= await this.#parts.kafka.admin()
    const committed = await this.#admin.groupOffsets(DELETION_GROUP, TOPICS.events)
    return new Map(committed.map(({ partition, offset }) => [partition, offset ?? 0]))
  }
}
