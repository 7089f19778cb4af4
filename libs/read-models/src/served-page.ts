import type { ServedEvent } from './event-reader.ts'
import type { OverlayPage } from './overlay/overlay-view.ts'
import { comparePositions, type Position } from './position.ts'

/** Up to where a page of the overlay is complete; null: there is nothing after it. */
export const endOfOverlay = ({ entries, isCut }: OverlayPage): Position | null =>
  isCut ? (entries.at(-1) ?? null) : null

/** Events of several sources in served order, each once, as far as all sources are complete. Sorts the array given. */
export function joinServed(events: ServedEvent[], endsAt: Position | null): ServedEvent[] {
  const all = events.sort(comparePositions)
  return all.filter(
    (event, index) =>
      event.id !== all[index - 1]?.id && (endsAt === null || comparePositions(event, endsAt) <= 0),
  )
}
