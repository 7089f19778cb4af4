import { checkLogId } from '@millrace/clickhouse'
import { relayUrls } from '@millrace/config'
import type { ViewReader } from '@millrace/event-store'
import type { Log, LogProducer } from '@millrace/kafka'
import { type Clock, type Fault, ok } from '@millrace/kernel'
import type { Tombstone, TombstoneSet } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import { Doubts, type EventReader, Overlay, VIEWED_READER_LIMITS, ViewedReader } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import type { Verifier } from '@millrace/verifier'
import { Admission } from '../admission/admission.ts'
import { KnownLog } from '../admission/known-keys.ts'
import { Novelty } from '../admission/novelty.ts'
import { Publisher } from '../admission/publisher.ts'
import { RequestTargets } from '../admission/request-targets.ts'
import { Winners } from '../admission/winners.ts'
import type { RelayConfig } from '../config.ts'
import { endsOf } from '../live/ends-of.ts'
import { Fanout } from '../live/fanout.ts'
import { LiveEvents } from '../live/live-events.ts'
import { type FindTargets, LiveRequests } from '../live/live-requests.ts'
import { LiveTombstones } from '../live/live-tombstones.ts'
import { LogPositions } from '../live/log-positions.ts'
import { LogReader } from '../live/log-reader.ts'
import { OwnEvents } from '../live/own-events.ts'
import { Room } from '../live/room.ts'
import { nextOffsetsOf, StorageWatermarks } from '../live/storage-watermarks.ts'
import type { EdgeView, ViewApplied } from '../view/edge-view.ts'
import { countCompaction, sampleView } from '../view/view-metrics.ts'
import type { AckedPositions } from '../workers/acked-positions.ts'
import { CausalReader } from '../workers/causal-reader.ts'
import { unlessAway } from './away-store.ts'
import type { EdgeStore } from './store.ts'

export interface EdgeParts {
  readonly config: Pick<RelayConfig, 'edge' | 'admission'>
  readonly kafka: Log
  readonly producer: LogProducer
  readonly store: EdgeStore
  /** All tombstones of the log, once they are read. */
  readonly tombstones: TombstoneSet
  /** Null: REQs are answered from the store. */
  readonly view: EdgeView | null
  readonly verifier: Pick<Verifier, 'verify' | 'verifySignature' | 'pending'>
  readonly logId: string
  /** What the edge's workers have acknowledged; null: this process is the only one. */
  readonly acked: AckedPositions | null
  /** Tells the live readers of all edges and workers apart. */
  readonly readerId: string
  /** N of DESIGN 2.3. */
  readonly partitionCount: number
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** The edge cannot go on. */
  readonly onFault: (fault: Fault) => void
}

/** Everything of one edge between the log and its sessions, wired but not yet started. */
export class Edge {
  readonly overlay: Overlay
  readonly reader: EventReader
  readonly fanout: Fanout
  readonly positions = new LogPositions()
  readonly room = new Room()
  readonly admission: Admission
  readonly watermarks: StorageWatermarks
  readonly logReader: LogReader
  readonly tombstones: LiveTombstones
  readonly requests: LiveRequests
  readonly findTargets: FindTargets
  readonly known: KnownLog
  readonly view: EdgeView | null
  /** Resolves with the view once it serves. */
  readonly viewServes: Promise<ViewReader>
  #viewServing: (view: ViewReader) => void = () => {}
  #viewErasedSinceMs: number | null = null
  readonly #metrics: Metrics
  readonly #tombstoneSet: TombstoneSet

  constructor(parts: EdgeParts) {
    const { config, store, log, metrics } = parts
    const settings = config.admission
    this.#tombstoneSet = parts.tombstones
    this.overlay = new Overlay(settings)
    this.view = parts.view
    this.viewServes = new Promise((resolve) => {
      this.#viewServing = resolve
    })
    this.#metrics = metrics
    this.reader = this.#causalReader(parts)
    this.fanout = new Fanout(settings.recentIdsMax, metrics)
    this.known = new KnownLog(settings.knownIdsExpected)
    const winners = new Winners(settings.winnersCachedMax)
    const novelty = new Novelty({
      ...settings,
      known: this.known,
      winners,
      overlay: this.overlay,
      reader: this.reader,
      metrics,
    })
    metrics.onScrape(() => metrics.set('relay_recent_ids', {}, novelty.recentIds))
    const onTombstone = (tombstone: Tombstone) => winners.forget(tombstone)
    const tombstones = this.#tombstoneSet
    this.tombstones = new LiveTombstones({ tombstones, onTombstone, log, metrics })
    const targets = new RequestTargets({ ...settings, lookup: (ids) => this.reader.lookup(ids) })
    this.findTargets = targets.find
    this.requests = new LiveRequests(
      {
        ...parts,
        tombstones,
        positions: this.positions,
        onTombstone,
        settleIntervalMs: settings.requestSettleMs,
      },
      relayUrls(config.edge, config.edge.port),
    )
    this.admission = this.#admission(parts, novelty, targets)
    const doubts = this.view === null ? null : this.#doubts(this.view, parts)
    this.watermarks = new StorageWatermarks({
      read: () => store.watermarks(),
      logId: parts.logId,
      ends: () => endsOf(parts.kafka, TOPICS.events),
      overlay: this.overlay,
      room: this.room,
      log,
      pollMs: settings.watermarkPollMs,
      onFault: parts.onFault,
      onWatermarks: (nextOffsets) => {
        this.view?.stored(nextOffsets)
        doubts
          ?.resolve(nextOffsets)
          .catch((cause: unknown) => log.warn({ err: cause }, 'addresses in doubt stay so'))
      },
    })
    this.logReader = this.#logReader(parts, novelty)
    metrics.onScrape(() => this.#sample(parts))
  }

  /** Where the live reader stands in nostr.events, by partition. */
  readonly eventPositions = (): ReadonlyMap<number, number> => this.positions.snapshot(TOPICS.events)

  /** Takes in what the view has applied: once it serves, the overlay lets go of what it answers for. */
  readonly onViewApplied = (
    view: ViewReader,
    { events, seconds, fileBytes, erasedSinceMs, isServing, compacted }: ViewApplied,
  ): void => {
    this.#viewErasedSinceMs = erasedSinceMs
    if (compacted !== undefined) countCompaction(this.#metrics, compacted)
    this.#metrics.count('relay_view_events_applied_total', {}, events)
    if (events > 0) this.#metrics.observe('relay_view_apply_seconds', {}, seconds)
    this.#metrics.set('relay_view_file_bytes', {}, fileBytes)
    if (!isServing) return
    this.overlay.releaseViewed(view.positions, (event) => view.isSettled(event))
    this.#viewServing(view)
    this.room.announce()
  }

  /** Whether erasures are in force here that the view has not applied. */
  readonly #isBehind = (view: ViewReader): boolean => {
    if (this.requests.isOpen) return true
    const applied = view.tombstonePositions
    for (const [partition, nextOffset] of this.positions.of(TOPICS.tombstones))
      if (nextOffset > (applied.get(partition) ?? 0)) return true
    return false
  }

  #causalReader(parts: EdgeParts): EventReader {
    const { acked } = parts
    const reader = this.#reader(parts)
    return acked === null ? reader : new CausalReader({ reader, acked, positions: this.positions })
  }

  #reader({ store, metrics }: EdgeParts): EventReader {
    const below = unlessAway(store.reader(this.overlay, this.#tombstoneSet), () => this.watermarks.away)
    if (this.view === null) return below
    return new ViewedReader({
      overlay: this.overlay,
      tombstones: this.#tombstoneSet,
      view: this.view.serving,
      isBehind: this.#isBehind,
      below,
      limits: VIEWED_READER_LIMITS,
      onBelow: () => metrics.count('relay_view_below_total', {}),
    })
  }

  #doubts(view: EdgeView, { store, logId }: EdgeParts): Doubts {
    return new Doubts({
      view: view.serving,
      tombstones: this.#tombstoneSet,
      olderVersions: (address, before) => store.olderVersions(address, before),
      stored: async () => {
        const watermarks = await store.watermarks()
        if (!watermarks.ok) return watermarks
        const own = checkLogId('storage', watermarks.value, logId)
        return own.ok ? ok(nextOffsetsOf(watermarks.value)) : own
      },
      settle: (settlements) => view.settle(settlements),
    })
  }

  #admission(parts: EdgeParts, novelty: Novelty, targets: RequestTargets): Admission {
    const { config, producer, partitionCount, verifier, metrics, clock, acked } = parts
    const { eventFutureMaxS, eventPastMaxS } = config.admission
    const publisher = new Publisher({
      producer,
      overlay: this.overlay,
      clock,
      edgeId: config.edge.id,
      partitionCount,
      requests: this.requests,
      onAcked: (partition, nextOffset) => acked?.note(partition, nextOffset),
      onReadable: this.#ownEvents(parts).take,
    })
    const rules = { eventFutureMaxS, eventPastMaxS, tombstones: this.#tombstoneSet }
    return new Admission({ rules, novelty, verifier, publisher, targets, metrics, clock })
  }

  #ownEvents({ config, clock, partitionCount }: EdgeParts): OwnEvents {
    return new OwnEvents({
      fanout: this.fanout,
      tombstones: this.#tombstoneSet,
      positions: this.positions,
      clock,
      partitionCount,
      recentIdsMax: config.admission.recentIdsMax,
    })
  }

  #logReader(parts: EdgeParts, novelty: Novelty): LogReader {
    const { clock, log, metrics, partitionCount, kafka, readerId } = parts
    const events = new LiveEvents({
      overlay: this.overlay,
      room: this.room,
      novelty,
      tombstones: this.#tombstoneSet,
      requests: this.requests,
      findTargets: this.findTargets,
      fanout: this.fanout,
      clock,
      log,
      metrics,
      partitionCount,
    })
    return new LogReader({
      kafka,
      readerId,
      positions: this.positions,
      events,
      tombstones: this.tombstones,
      metrics,
    })
  }

  #sample({ metrics, verifier, producer, clock }: EdgeParts): void {
    const view = this.view?.serving() ?? null
    metrics.set('relay_view_serving', {}, view === null ? 0 : 1)
    if (view !== null) sampleView(metrics, view)
    const erasedSinceMs = this.#viewErasedSinceMs
    const erasedForS = erasedSinceMs === null ? 0 : Math.max(0, clock.nowMs() - erasedSinceMs) / 1000
    metrics.set('relay_view_erased_since_seconds', {}, erasedForS)
    metrics.set('relay_overlay_events', {}, this.overlay.events)
    metrics.set('relay_overlay_bytes', {}, this.overlay.bytes)
    metrics.set('relay_known_ids', {}, this.known.ids)
    metrics.set('relay_known_bytes', {}, this.known.bytes)
    metrics.set('relay_tombstones', {}, this.#tombstoneSet.size)
    metrics.set('verifier_pending', {}, verifier.pending)
    metrics.set('kafka_produce_pending_records', {}, producer.pendingRecords)
  }
}
