export type { CurrentVersion, EventReader, ReadContext, ServedEvent } from './event-reader.ts'
export type { FilterCursor } from './filter-cursor.ts'
export {
  createEventReader,
  EVENT_READER_LIMITS,
  type EventReaderLimits,
  type EventReaderParts,
} from './joined-reader.ts'
export { type AddOutcome, Overlay, type OverlayOptions, type Reservation } from './overlay/overlay.ts'
export type { OverlayEntry, OverlayRecord } from './overlay/overlay-entry.ts'
export type { ErasedIds } from './page-reader.ts'
export {
  type BelowReader,
  VIEWED_READER_LIMITS,
  ViewedReader,
  type ViewedReaderLimits,
  type ViewedReaderParts,
} from './view/viewed-reader.ts'
