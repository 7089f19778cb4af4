import type { Envelope } from '@millrace/nostr'
import { kindLabel, type Metrics } from '@millrace/observability'
import { type Outcome, ok } from '@millrace/pipeline'

export const countReceived = (metrics: Metrics) =>
  function countReceived(envelope: Envelope): Outcome<Envelope> {
    metrics.count('ingestion_events_received_total', { kind: kindLabel(envelope.event.kind) })
    return ok(envelope)
  }
