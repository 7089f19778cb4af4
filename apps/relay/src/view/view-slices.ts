import type { LogRecord, RecordBatch } from '@millrace/kafka'

/** The records of one transaction, and how far it brings the partitions that it touches. */
export interface ViewSlice {
  readonly records: readonly LogRecord[]
  readonly nextOffsets: ReadonlyMap<number, number>
}

/** Cuts batches into transactions of at most so many records. */
export function* slicesOf(batches: readonly RecordBatch[], recordsMax: number): Generator<ViewSlice> {
  let records: LogRecord[] = []
  let nextOffsets = new Map<number, number>()
  for (const batch of batches) {
    for (const record of batch.records) {
      records.push(record)
      nextOffsets.set(batch.partition, record.offset + 1)
      if (records.length < recordsMax) continue
      yield { records, nextOffsets }
      records = []
      nextOffsets = new Map()
    }
    nextOffsets.set(batch.partition, batch.nextOffset)
  }
  if (nextOffsets.size > 0) yield { records, nextOffsets }
}
