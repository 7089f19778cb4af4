import type { LogRecord } from '@millrace/kafka'
import { invalid } from '@millrace/kernel'
import { type Envelope, ownerOf } from '@millrace/nostr'
import { dead, type Outcome, ok } from '@millrace/pipeline'
import { partitionOfOwner } from '@millrace/topics'

/** One owner, one partition (DESIGN 2.3). Dead: event-owner-missing, record-wrong-partition. */
export const checkPartition = (partitionCount: number) =>
  function checkPartition(envelope: Envelope, { partition }: LogRecord): Outcome<Envelope> {
    const owner = ownerOf(envelope.event)
    if (!owner.ok) return dead(owner.fault)
    const right = partitionOfOwner(owner.value, partitionCount)
    if (right === partition) return ok(envelope)
    return dead(
      invalid('record-wrong-partition', `its owner's events belong in partition ${right}, not ${partition}`),
    )
  }
