export type { CurrentVersion, EventReader, ReadContext, ServedEvent } from './event-reader.ts'
export { type AddOutcome, Overlay, type OverlayOptions, type Reservation } from './overlay/overlay.ts'
export type { OverlayEntry, OverlayRecord } from './overlay/overlay-entry.ts'
