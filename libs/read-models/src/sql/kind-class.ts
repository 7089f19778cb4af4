import { KIND_MAX, type KindClass, kindClass } from '@millrace/nostr'

/** Consecutive kinds, both ends included. */
type KindRange = readonly [first: number, last: number]

/** The ranges of the kinds that exist in versions, derived from the one place that classifies kinds. */
const VERSIONED_RANGES: readonly KindRange[] = rangesOf(
  (kind) => kind === 'replaceable' || kind === 'addressable',
)

export const isVersionedKind = (kind: number): boolean =>
  VERSIONED_RANGES.some(([first, last]) => first <= kind && kind <= last)

/** A condition: the column's kind is replaceable or addressable. */
export const versionedSql = (column: string): string =>
  `(${VERSIONED_RANGES.map(([first, last]) =>
    first === last ? `${column} = ${first}` : `${column} BETWEEN ${first} AND ${last}`,
  ).join(' OR ')})`

function rangesOf(test: (kind: KindClass) => boolean): KindRange[] {
  const ranges: KindRange[] = []
  let first: number | null = null
  for (let kind = 0; kind <= KIND_MAX + 1; kind++) {
    const isIn = kind <= KIND_MAX && test(kindClass(kind))
    if (isIn && first === null) first = kind
    if (!isIn && first !== null) {
      ranges.push([first, kind - 1])
      first = null
    }
  }
  return ranges
}
