export { findOlderVersions } from './bodies/body-sql.ts'
export type { CurrentVersion, EventReader, ReadContext, ServedEvent, TakeServed } from './event-reader.ts'
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
export type { Position } from './position.ts'
export type { Address } from './sql/statement.ts'
export { Doubts, type DoubtsParts } from './view/doubts.ts'
export { ViewedReader } from './view/viewed-reader.ts'
export {
  type BelowReader,
  VIEWED_READER_LIMITS,
  type ViewedReaderLimits,
  type ViewedReaderParts,
} from './view/viewed-reader-parts.ts'
