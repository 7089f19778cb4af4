import type { LogRecord, RecordBatch } from '@millrace/kafka'
import type { Clock } from '@millrace/kernel'
import { eventJson, isExpired, kindClass, type NostrEvent, type TombstoneSet } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import type { Overlay } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import type { Novelty } from '../admission/novelty.ts'
import { readEventRecord } from './event-records.ts'
import type { Fanout } from './fanout.ts'
import { type FindTargets, type KnownTargets, type LiveRequests, NO_TARGETS } from './live-requests.ts'
import type { Room } from './room.ts'

export interface LiveEventsParts {
  readonly overlay: Overlay
  readonly room: Room
  readonly novelty: Novelty
  readonly tombstones: TombstoneSet
  readonly requests: Pick<LiveRequests, 'concerns' | 'take'>
  /** What is known of the events that a request names. */
  readonly findTargets: FindTargets
  readonly fanout: Fanout
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly partitionCount: number
}

/** Folds records of nostr.events into overlay and caches and passes them on to subscriptions; ephemeral ones are only passed on. */
export class LiveEvents {
  readonly #parts: LiveEventsParts

  constructor(parts: LiveEventsParts) {
    this.#parts = parts
  }

  async onEvents(batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const read = this.#readAll(batch, false)
    await this.#learnVersions(read.map(({ event }) => event))
    const targets = await this.#targetsOf(read)
    for (const { event, record } of read) {
      if (signal.aborted) return
      await this.#take(event, record, targets, signal)
    }
  }

  onEphemeral(batch: RecordBatch): void {
    const { fanout, novelty } = this.#parts
    for (const { event } of this.#readAll(batch, true)) {
      novelty.met(event)
      if (this.#isServed(event)) fanout.deliver(event, () => eventJson(event))
    }
  }

  async #take(
    event: NostrEvent,
    record: LogRecord,
    targets: KnownTargets,
    signal: AbortSignal,
  ): Promise<void> {
    const { overlay, room, novelty, fanout, requests } = this.#parts
    const { partition, offset } = record
    if (requests.concerns(event, partition, offset)) requests.take(event, partition, offset, targets)
    if (!this.#isKept(event)) return fanout.skip(event)
    const json = overlay.get(event.id)?.json ?? eventJson(event)
    // A full overlay holds the reader back: nothing is evicted, and the log keeps what is not read yet.
    while (overlay.add({ event, json, partition, offset }) === 'full') {
      await room.freed(signal)
      if (signal.aborted) return
    }
    novelty.met(event)
    if (this.#isServed(event) && !novelty.isKnownSuperseded(event)) fanout.deliver(event, () => json)
    else fanout.skip(event)
  }

  /** What the requests of a batch name, in one question for all of them; it may have come in the same batch. */
  async #targetsOf(read: readonly { event: NostrEvent; record: LogRecord }[]): Promise<KnownTargets> {
    const { requests, findTargets } = this.#parts
    const asking = read.filter(({ event, record }) =>
      requests.concerns(event, record.partition, record.offset),
    )
    if (asking.length === 0) return NO_TARGETS
    const found = await findTargets(asking.map(({ event }) => event))
    return new Map([...found, ...read.map(({ event }) => [event.id, event] as const)])
  }

  /** Whether it takes part in what REQ sees; an expired version still hides what is older (DESIGN 2.5). */
  #isKept(event: NostrEvent): boolean {
    const { tombstones } = this.#parts
    return !tombstones.covers(event) && !tombstones.isBelowFloor(event)
  }

  #isServed(event: NostrEvent): boolean {
    return this.#isKept(event) && !isExpired(event, this.#parts.clock.nowS())
  }

  /** Only for wanted events: an import of old versions must not become a query per record. */
  async #learnVersions(events: readonly NostrEvent[]): Promise<void> {
    const { fanout, novelty } = this.#parts
    if (fanout.size === 0) return
    const versions = events.filter((event) => kindClass(event.kind) !== 'regular')
    await novelty.learnVersions(versions.filter((event) => fanout.isWanted(event)))
  }

  /** The event of a record that this edge itself appended and still holds: it need not be decoded again. */
  #acknowledged({ key, partition, offset }: LogRecord): NostrEvent | undefined {
    const entry = key === null ? undefined : this.#parts.overlay.get(key.toString('latin1'))
    return entry?.partition === partition && entry.offset === offset ? entry.event : undefined
  }

  #readAll(batch: RecordBatch, isEphemeral: boolean): { event: NostrEvent; record: LogRecord }[] {
    const { log, metrics, partitionCount } = this.#parts
    const read: { event: NostrEvent; record: LogRecord }[] = []
    for (const record of batch.records) {
      const own = isEphemeral ? undefined : this.#acknowledged(record)
      if (own !== undefined) {
        read.push({ event: own, record })
        continue
      }
      const event = readEventRecord(record, partitionCount, isEphemeral)
      if (!event.ok) {
        metrics.count('relay_records_skipped_total', { code: event.fault.code })
        const { topic, partition, offset } = record
        log.warn({ topic, partition, offset, code: event.fault.code }, 'record skipped')
      } else if (event.value !== null) read.push({ event: event.value, record })
    }
    return read
  }
}

export const LIVE_TOPICS = [TOPICS.events, TOPICS.ephemeral, TOPICS.tombstones] as const
