import type { ViewReader } from '@millrace/event-store'
import type { FilterCursor } from '../filter-cursor.ts'
import { comparePositions, type Position } from '../position.ts'

/** Whether the view can tell what comes next. */
export function isAbove({ filter, after }: FilterCursor, view: ViewReader): boolean {
  if (view.isInDoubt(filter)) return false
  const horizon = view.horizonFor(filter)
  return horizon === null || after === null || comparePositions(after, hexOf(horizon)) < 0
}

type BytesPosition = NonNullable<ReturnType<ViewReader['horizonFor']>>

export const hexOf = ({ createdAt, id }: BytesPosition): Position => ({ createdAt, id: id.toString('hex') })

export const bytesOf = ({ createdAt, id }: Position): BytesPosition => ({
  createdAt,
  id: Buffer.from(id === '' ? '0'.repeat(64) : id, 'hex'),
})

export const isAfter = (a: BytesPosition, b: BytesPosition): boolean =>
  a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id.compare(b.id) > 0)
