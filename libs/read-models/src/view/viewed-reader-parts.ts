import type { ViewReader } from '@millrace/event-store'
import type { Result } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { EventReader, ReadContext } from '../event-reader.ts'
import type { FilterCursor } from '../filter-cursor.ts'
import type { Overlay } from '../overlay/overlay.ts'

/** What is asked below the view's horizon: the overlay joined with ClickHouse. */
export interface BelowReader extends EventReader {
  /** Moves cursors by a page each, at least one position. */
  advance(cursors: readonly FilterCursor[], context: ReadContext): Promise<Result<void>>
}

export interface ViewedReaderParts {
  readonly overlay: Overlay
  readonly tombstones: TombstoneSet
  /** The view once it may answer; null while it is being filled: then everything is asked below. */
  readonly view: () => ViewReader | null
  /** Whether tombstones are known here that the view has not applied. Absent: the view knows by itself. */
  readonly isBehind?: (view: ViewReader) => boolean
  readonly below: BelowReader
  readonly limits: ViewedReaderLimits
  /** Called for every filter that is also asked below the horizon. */
  readonly onBelow?: () => void
}

export interface ViewedReaderLimits {
  /** Longest time that one REQ holds the event loop, milliseconds. */
  readonly sliceMs: number
  readonly pageRowsMax: number
  /** Of records in one page, bytes. */
  readonly pageBytesMax: number
  /** Values in one list of a filter that are looked for in one turn of the event loop, some 3 µs each. */
  readonly scanValuesMax: number
}

export const VIEWED_READER_LIMITS: ViewedReaderLimits = {
  sliceMs: 5,
  pageRowsMax: 500,
  pageBytesMax: 1024 * 1024,
  scanValuesMax: 1_000,
}
