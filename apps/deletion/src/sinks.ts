import type { Result } from '@millrace/kernel'
import type { Envelope } from '@millrace/nostr'
import type { Positioned, Sink, WatermarkMove } from '@millrace/pipeline'
import type { DeletionState, Marks } from '@millrace/projection-deletion'
import type { OutboxSender } from './outbox-sender.ts'
import type { Letter } from './steps/decode-letter.step.ts'

/** Folds events in and appends what follows: when `apply` answers ok, their tombstones and nulls are in the log. */
export const eventsSink = (state: DeletionState, sender: Pick<OutboxSender, 'flush'>): Sink<Envelope> => ({
  name: 'deletion',
  writeSpan: 'deletion.fold',
  apply(records: readonly Positioned<Envelope>[]): Promise<Result<void>> {
    const events = records.map(({ value: envelope, ...place }) => ({ envelope, ...place }))
    state.foldEvents(events, marksOf(records))
    return sender.flush()
  },
})

export const lettersSink = (state: DeletionState, sender: Pick<OutboxSender, 'flush'>): Sink<Letter> => ({
  name: 'deletion-letters',
  writeSpan: 'deletion.letters',
  apply(records: readonly Positioned<Letter>[]): Promise<Result<void>> {
    const letters = records.map(({ value, ...place }) => ({ ...value, ...place }))
    state.foldLetters(letters, marksOf(records))
    return sender.flush()
  },
})

/** The watermark moves in the transaction of the fold: a crash after it leaves appends to do, never records to fold again. */
function marksOf(records: readonly Positioned<unknown>[]): Marks {
  const moves = new Map<number, WatermarkMove>()
  for (const { partition, offset, appendedAtMs } of records)
    moves.set(partition, { partition, nextOffset: offset + 1, appendedAtMs })
  return { topic: records[0]?.topic ?? '', moves: [...moves.values()] }
}
