import type { Settlement } from '@millrace/event-store'
import type { MetricsSnapshot, Readiness } from '@millrace/observability'
import type { ViewApplied } from '../view/edge-view.ts'

/** What the primary asks a worker for, and what comes back. */
export interface Answers {
  readonly metrics: MetricsSnapshot
  readonly readiness: Readiness
}

/** Worker → primary. Maps travel, because the channel clones structures. */
export type FromWorker =
  | { readonly type: 'view-start'; readonly ends: ReadonlyMap<number, number> }
  | { readonly type: 'view-stored'; readonly nextOffsets: ReadonlyMap<number, number> }
  | { readonly type: 'view-settle'; readonly settlements: readonly Settlement[] }
  | { readonly type: 'view-followed' }
  | { readonly type: 'answer'; readonly id: number; readonly value: Answers[keyof Answers] }

/** Primary → worker. */
export type ToWorker =
  | { readonly type: 'view-started' }
  | ({ readonly type: 'view-applied' } & ViewApplied)
  /** The view has gone on in a new file; the one before is removed once all have followed. */
  | { readonly type: 'view-moved' }
  | { readonly type: 'ask'; readonly id: number; readonly what: keyof Answers }
  | { readonly type: 'stop' }

/** Names a worker to itself, counted from 1; set by the primary alone. */
export const WORKER_VARIABLE = 'MILLRACE_RELAY_WORKER'
