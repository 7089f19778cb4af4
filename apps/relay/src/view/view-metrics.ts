import type { ViewReader } from '@millrace/event-store'
import type { Metrics } from '@millrace/observability'
import type { ViewCompacted } from './view-compaction.ts'

export function sampleView(metrics: Metrics, { state }: ViewReader): void {
  metrics.set('relay_view_addresses_in_doubt', {}, state.addressesInDoubt)
  for (const name of ['regular', 'versioned'] as const) {
    const { events, bytes, horizon } = state[name]
    metrics.set('relay_view_events', { class: name }, events)
    metrics.set('relay_view_bytes', { class: name }, bytes)
    metrics.set('relay_view_horizon_timestamp_seconds', { class: name }, horizon?.createdAt ?? 0)
  }
}

export function countCompaction(metrics: Metrics, { outcome, seconds }: ViewCompacted): void {
  metrics.count('relay_view_compactions_total', { outcome })
  if (outcome === 'done') metrics.observe('relay_view_compaction_seconds', {}, seconds)
}
