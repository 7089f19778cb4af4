import { type Filter, matchesFilter } from '@millrace/nostr'
import type { EventBodies } from './bodies/event-bodies.ts'
import type { EventBody } from './bodies/event-body.ts'
import type { OverlayView } from './overlay/overlay-view.ts'
import { comparePositions, type Position } from './position.ts'
import { RowEvent } from './row-event.ts'
import { isVersionedKind } from './sql/kind-class.ts'

export interface LocalIds {
  /** Matching events from memory after the position, in served order: durable, of regular kinds, so always current. */
  readonly bodies: readonly EventBody[]
  /** What is left to be asked of the store; null when nothing is. */
  readonly rest: Filter | null
}

/** Answers a filter by ids from memory as far as possible; the overlay's part of it is in its own page. */
export function answerLocally(
  filter: Filter,
  after: Position | null,
  view: OverlayView,
  events: EventBodies,
): LocalIds {
  if (filter.ids === undefined) return { bodies: [], rest: filter }
  const bodies: EventBody[] = []
  const ids: string[] = []
  for (const id of filter.ids) {
    if (view.get(id) !== undefined) continue
    const body = events.get(id)
    if (body === undefined || isVersionedKind(body.kind)) ids.push(id)
    else if (after === null || comparePositions(body, after) > 0) bodies.push(body)
  }
  return {
    bodies: bodies.filter((body) => matchesFilter(filter, new RowEvent(body))).sort(comparePositions),
    rest: ids.length === 0 ? null : { ...filter, ids },
  }
}
