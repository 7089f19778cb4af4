import { decodeTombstone } from '@millrace/codec'
import type { RecordBatch } from '@millrace/kafka'
import type { Tombstone, TombstoneSet } from '@millrace/nostr'
import type { Logger, Metrics } from '@millrace/observability'
import { isTickKey } from '@millrace/topics'

export interface LiveTombstonesParts {
  readonly tombstones: TombstoneSet
  /** Called for every tombstone, after the set has it. */
  readonly onTombstone: (tombstone: Tombstone) => void
  readonly log: Logger
  readonly metrics: Metrics
}

/** Folds records of nostr.tombstones into the set that admission, live delivery and reads obey. */
export class LiveTombstones {
  readonly #parts: LiveTombstonesParts

  constructor(parts: LiveTombstonesParts) {
    this.#parts = parts
  }

  onTombstones(batch: RecordBatch): void {
    const { tombstones, onTombstone, log, metrics } = this.#parts
    for (const { key, value, topic, partition, offset } of batch.records) {
      if (value === null || isTickKey(key)) continue
      const tombstone = decodeTombstone(value)
      if (!tombstone.ok) {
        metrics.count('relay_records_skipped_total', { code: tombstone.fault.code })
        log.error({ topic, partition, offset, code: tombstone.fault.code }, 'tombstone skipped')
        continue
      }
      tombstones.apply(tombstone.value)
      onTombstone(tombstone.value)
    }
  }
}
