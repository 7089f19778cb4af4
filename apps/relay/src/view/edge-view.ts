import type { Settlement, ViewReader } from '@millrace/event-store'
import type { Result } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import type { RelayConfig } from '../config.ts'
import type { ViewCompacted } from './view-compaction.ts'

/** What one transaction of the view was, for the metrics of the edge. */
export interface ViewApplied {
  readonly events: number
  readonly seconds: number
  readonly fileBytes: number
  /** Since when erased bytes may lie in its files, milliseconds since the Unix epoch; null: none do. */
  readonly erasedSinceMs: number | null
  /** After a compaction. */
  readonly compacted?: ViewCompacted
  /** Whether the view may answer from now on. */
  readonly isServing: boolean
}

/** The serving view as an edge sees it: it reads, somebody else keeps it up with the log. */
export interface EdgeView {
  /** The view once it may answer REQs; null while it is being filled. */
  readonly serving: () => ViewReader | null
  /** Settles when the view can no longer be kept up: with a fault, or ok after `stop`. */
  readonly ended: Promise<Result<void>>
  /**
   * Begins to read the log; the view serves once it has read up to the given ends of nostr.events. `onApplied` follows
   * every transaction.
   */
  start(
    ends: ReadonlyMap<number, number>,
    onApplied: (view: ViewReader, applied: ViewApplied) => void,
  ): Promise<void>
  /** Storage's watermarks: what they cover may leave the view when it is too large. */
  stored(nextOffsets: ReadonlyMap<number, number>): void
  /** What the store says about addresses in doubt. */
  settle(settlements: readonly Settlement[]): void
  stop(): Promise<void>
}

export interface EdgeViewOptions {
  readonly config: Pick<RelayConfig, 'edge' | 'process' | 'view' | 'kafka' | 'erasure'>
  readonly logId: string
  readonly partitionCount: number
  /** The edge's own, for readers: the writer reads the topic itself. */
  readonly tombstones: TombstoneSet
  readonly log: Logger
  readonly metrics: Metrics
  /** Awaited when the view goes on in another file: readers in other processes are in that one then. Absent: there are none. */
  readonly follow?: () => Promise<void>
}

/** Opens the edge's view, empty where an old one cannot be trusted. Rejects with FaultError(configuration-invalid). */
export type OpenEdgeView = (options: EdgeViewOptions) => Promise<EdgeView>
