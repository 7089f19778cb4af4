import { err, invalid, ok, type Result } from '@millrace/kernel'

/** A place in the served order, created_at descending, then id ascending. */
export interface Position {
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  /** 64 lowercase hex characters. */
  readonly id: string
}

const FORM = /^(\d{1,16})\.([0-9a-f]{64})$/

/** A position as callers carry it: base64url, opaque to them. */
export const encodeCursor = ({ createdAt, id }: Position): string =>
  Buffer.from(`${createdAt}.${id}`).toString('base64url')

/** Fault: query-malformed. */
export function decodeCursor(cursor: string): Result<Position> {
  const [, createdAt, id] = FORM.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (createdAt === undefined || id === undefined || !Number.isSafeInteger(Number(createdAt)))
    return err(invalid('query-malformed', 'cursor: not one that this API gave out'))
  return ok({ createdAt: Number(createdAt), id })
}

/** Whether `a` is served after `b`. */
export const isServedAfter = (a: Position, b: Position): boolean =>
  a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id > b.id)
