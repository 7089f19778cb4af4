import type { Filter } from '@millrace/nostr'
import type { EventReader, ReadContext } from '../../event-reader.ts'

/** What is kept of an event that was lent. */
export interface KeptEvent {
  readonly id: string
  readonly json: string
}

/** The whole answer as it is at hand without waiting; null: not all of it is. */
export function answerNow(
  reader: EventReader,
  filters: readonly Filter[],
  context: ReadContext,
): readonly KeptEvent[] | null {
  const events: KeptEvent[] = []
  const isWhole =
    reader.answerNow?.(filters, context, ({ id, json }) => void events.push({ id, json })) ?? false
  return isWhole ? events : null
}
