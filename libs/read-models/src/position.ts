/** A place in the order of results: what comes after it is older, or as old with a higher id. */
export interface Position {
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  /** 64 lowercase hex characters; '' lies before every event of its second. */
  readonly id: string
}

/** The order in which results are served (NIP-01, `limit`): newest first, ties by ascending id. */
export function comparePositions(a: Position, b: Position): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** The end that comes first; null is the end of everything. */
export function earlierEnd(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b
  return comparePositions(a, b) <= 0 ? a : b
}

/** The one that comes later; null lies before everything. */
export function laterPosition(a: Position | null, b: Position | null): Position | null {
  if (a === null) return b
  if (b === null) return a
  return comparePositions(a, b) >= 0 ? a : b
}
