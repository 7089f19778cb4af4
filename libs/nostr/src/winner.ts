import type { NostrEvent } from './event.ts'

type Version = Pick<NostrEvent, 'created_at' | 'id'>

/** Whether `a` wins over `b` at one address: the higher created_at, on a tie the lower id (NIP-01). */
export const isNewerVersion = (a: Version, b: Version): boolean =>
  a.created_at > b.created_at || (a.created_at === b.created_at && a.id < b.id)

/** The order in which results are served: newest first, ties by ascending id (NIP-01, `limit`). */
export function compareServed(a: Version, b: Version): number {
  if (a.created_at !== b.created_at) return b.created_at - a.created_at
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
