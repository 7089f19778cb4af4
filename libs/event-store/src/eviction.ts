import { lastChunk } from './chunks.ts'
import type { Fold } from './fold.ts'
import { regularTimeList, versionedTimeList } from './list-keys.ts'
import { countOf, createdAtOf, sequenceOf } from './postings.ts'
import { type LogPlace, StoredEvent } from './stored-event.ts'
import { readRecord, type Tables, type ViewState } from './tables.ts'

/** How much a view may hold. */
export interface ViewBounds {
  /** Regular events with their postings, bytes. */
  readonly viewBytesMax: number
  /** Current versions of replaceable and addressable events, bytes: a budget of their own. */
  readonly viewWinnersBytesMax: number
  /** Regular events dated further back leave; 0: none for its age. */
  readonly viewAgeDaysMax: number
}

/** Whether the store holds what the log has at this place. */
export type IsStored = (place: LogPlace) => boolean

const SECONDS_PER_DAY = 86_400

/**
 * Takes out the oldest events of one chunk as far as the bounds ask for it. Stops at the first that the store does not hold
 * yet: the horizon is one position, so nothing behind it may go either. Answers how many left.
 */
export function evictSome(
  tables: Tables,
  state: ViewState,
  fold: Fold,
  bounds: ViewBounds,
  nowS: number,
  isStored: IsStored,
): number {
  const oldestS = bounds.viewAgeDaysMax === 0 ? 0 : nowS - bounds.viewAgeDaysMax * SECONDS_PER_DAY
  const regular = evictFrom(
    tables,
    regularTimeList,
    fold,
    isStored,
    state.regular.bytes - bounds.viewBytesMax,
    oldestS,
  )
  const over = state.versioned.bytes - bounds.viewWinnersBytesMax
  const versioned = evictFrom(tables, versionedTimeList, fold, isStored, over, 0)
  if (versioned > 0 && state.addressesInDoubt > 0) fold.endIdleDoubts(null)
  return regular + versioned
}

function evictFrom(
  tables: Tables,
  list: Buffer,
  fold: Fold,
  isStored: IsStored,
  bytesOver: number,
  oldestS: number,
): number {
  if (bytesOver <= 0 && oldestS === 0) return 0
  const chunk = lastChunk(tables.postings, list)
  if (chunk === undefined) return 0
  let bytes = 0
  let evicted = 0
  for (let index = countOf(chunk.entries) - 1; index >= 0; index--) {
    if (bytes >= bytesOver && createdAtOf(chunk.entries, index) >= oldestS) break
    const sequence = sequenceOf(chunk.entries, index)
    const stored = new StoredEvent(readRecord(tables, sequence))
    if (!isStored(stored)) break
    bytes += fold.evict(sequence)
    evicted++
  }
  return evicted
}
