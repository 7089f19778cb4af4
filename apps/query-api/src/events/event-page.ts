import { ok, type Result } from '@millrace/kernel'
import type { Filter } from '@millrace/nostr'
import type { EventReader, ReadContext, ServedEvent } from '@millrace/read-models'
import type { EventsQuery } from './events-query.ts'
import { isServedAfter, type Position } from './position-cursor.ts'

export interface EventPage {
  readonly events: readonly ServedEvent[]
  /** Where the next page begins after; null: nothing is left. */
  readonly next: Position | null
}

/**
 * Reads one page in served order. It ends at the limit, or before the event that would take it past `bytesMax`; the
 * first event always fits. Faults are the reader's.
 */
export async function readPage(
  reader: EventReader,
  { filter, limit, after }: EventsQuery,
  context: ReadContext,
  bytesMax: number,
): Promise<Result<EventPage>> {
  if (limit === 0) return ok({ events: [], next: null })
  const events: ServedEvent[] = []
  let bytes = 0
  // One more than the page tells whether there is another one.
  for await (const chunk of reader.query(filtersAfter(filter, after, limit + 1), context)) {
    if (!chunk.ok) return chunk
    for (const event of chunk.value) {
      if (after !== null && !isServedAfter(event, after)) continue
      bytes += Buffer.byteLength(event.json)
      const last = events.at(-1)
      if (last !== undefined && (events.length === limit || bytes > bytesMax))
        return ok({ events, next: { createdAt: last.createdAt, id: last.id } })
      events.push(event)
    }
  }
  return ok({ events, next: null })
}

/**
 * What may follow a position: the rest of its second, whose beginning the caller skips by id, and everything older. A
 * second can hold more than any page, since created_at is the author's claim: so it is read without a limit, in chunks.
 */
function filtersAfter(filter: Filter, after: Position | null, limit: number): Filter[] {
  if (after === null || (filter.until ?? Number.POSITIVE_INFINITY) < after.createdAt)
    return [{ ...filter, limit }]
  const filters: Filter[] = []
  const { createdAt } = after
  if ((filter.since ?? 0) <= createdAt)
    filters.push({ ...filter, since: createdAt, until: createdAt, limit: Number.MAX_SAFE_INTEGER })
  if (createdAt > 0) filters.push({ ...filter, until: createdAt - 1, limit })
  return filters
}
