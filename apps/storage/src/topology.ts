import type { Envelope, TombstoneSet } from '@millrace/nostr'
import type { Metrics } from '@millrace/observability'
import { type Sink, type Topology, topology } from '@millrace/pipeline'
import { TOPICS } from '@millrace/topics'
import { GROUP } from './config.ts'
import { checkEvent } from './steps/check-event.step.ts'
import { checkPartition } from './steps/check-partition.step.ts'
import { countReceived } from './steps/count-received.step.ts'
import { decodeEvent } from './steps/decode-event.step.ts'
import { dropEphemeral } from './steps/drop-ephemeral.step.ts'
import { dropErased } from './steps/drop-erased.step.ts'

export interface StorageParts {
  readonly partitionCount: number
  readonly tombstones: TombstoneSet
  readonly sink: Sink<Envelope>
  readonly metrics: Metrics
}

/** The log into ClickHouse: nostr.events, checked, into the events projection. */
export const storageTopology = ({
  partitionCount,
  tombstones,
  sink,
  metrics,
}: StorageParts): Topology<Envelope> =>
  topology(GROUP)
    .from(TOPICS.events)
    .step(decodeEvent)
    .step(countReceived(metrics))
    .step(checkEvent)
    .step(dropEphemeral)
    .step(checkPartition(partitionCount))
    .step(dropErased(tombstones))
    .into(sink)
