import type { SignedEvent } from '../signer.ts'

// The rules of the NIPs as plainly as they can be said, shared with no product code, so that both can disagree.

export type NaiveClass = 'regular' | 'replaceable' | 'ephemeral' | 'addressable'

export function naiveClass(kind: number): NaiveClass {
  if (kind === 0 || kind === 3 || (kind >= 10000 && kind <= 19999)) return 'replaceable'
  if (kind >= 20000 && kind <= 29999) return 'ephemeral'
  if (kind >= 30000 && kind <= 39999) return 'addressable'
  return 'regular'
}

const isKey = (text: string | undefined): text is string => text !== undefined && /^[0-9a-f]{64}$/.test(text)

export const tagValues = (event: SignedEvent, name: string): string[] =>
  event.tags.filter((tag) => tag[0] === name && tag.length >= 2).map((tag) => String(tag[1]))

/** The pubkeys in the event's `p` tags, as far as they are pubkeys. */
export const taggedKeys = (event: SignedEvent): string[] => tagValues(event, 'p').filter(isKey)

export const isWrap = (event: SignedEvent): boolean => [1059, 21059].includes(event.kind)

/** The address of an event that has versions; '' for one that has none. */
export function naiveAddress(event: SignedEvent): string {
  const group = naiveClass(event.kind)
  if (group === 'replaceable') return [event.kind, event.pubkey, ''].join(':')
  if (group !== 'addressable') return ''
  const d = event.tags.find((tag) => tag[0] === 'd')
  return [event.kind, event.pubkey, d?.[1] ?? ''].join(':')
}

/** Newest first; in the same second the lowest id first. */
export function servedFirst(a: SignedEvent, b: SignedEvent): number {
  if (a.created_at > b.created_at) return -1
  if (a.created_at < b.created_at) return 1
  return a.id < b.id ? -1 : Number(a.id > b.id)
}

export function naiveExpired(event: SignedEvent, nowS: number): boolean {
  const times = tagValues(event, 'expiration')
    .filter((value) => /^\d{1,16}$/.test(value))
    .map(Number)
  const first = times.find((time) => time <= Number.MAX_SAFE_INTEGER)
  return first !== undefined && first <= nowS
}

/** Who may see the event: DESIGN.md's invariant 7, line by line. */
export function naiveMayRead(event: SignedEvent, asker: ReadonlySet<string>): boolean {
  const isAuthor = asker.has(event.pubkey)
  const isTagged = taggedKeys(event).some((key) => asker.has(key))
  if (event.kind === 4) return isAuthor || isTagged
  if (event.kind === 13) return isAuthor
  if (event.kind === 14) return isAuthor || isTagged
  if (event.kind === 15) return isAuthor || isTagged
  if (event.kind === 1059) return isTagged
  if (event.kind === 21059) return isTagged
  return true
}

export interface NaiveFilter {
  readonly ids?: readonly string[]
  readonly authors?: readonly string[]
  readonly kinds?: readonly number[]
  readonly since?: number
  readonly until?: number
  readonly limit?: number
  readonly [tag: `#${string}`]: readonly string[]
}

/** Whether the event passes a filter as it goes over the wire. */
export function naiveMatches(filter: NaiveFilter, event: SignedEvent): boolean {
  if (filter.ids && !filter.ids.includes(event.id)) return false
  if (filter.authors && !filter.authors.includes(event.pubkey)) return false
  if (filter.kinds && !filter.kinds.includes(event.kind)) return false
  if (filter.since !== undefined && event.created_at < filter.since) return false
  if (filter.until !== undefined && event.created_at > filter.until) return false
  for (const [field, wanted] of Object.entries(filter)) {
    if (!/^#[a-zA-Z]$/.test(field)) continue
    const has = tagValues(event, field.slice(1))
    if (!has.some((value) => (wanted as string[]).includes(value))) return false
  }
  return true
}
