import type { NostrEvent } from './event.ts'
import type { Filter } from './filter.ts'
import { KINDS } from './kinds.ts'
import { somePTag } from './owner.ts'

/** Who may read a guarded kind: its author, the pubkeys in its `p` tags, or both. */
type Readers = 'author' | 'tagged' | 'author-or-tagged'

/** The kinds that not everybody may read (DESIGN 2.7; NIPs 04, 17, 59). */
export const GUARDED_KINDS: ReadonlyMap<number, Readers> = new Map<number, Readers>([
  [KINDS.encryptedDirectMessage, 'author-or-tagged'],
  [KINDS.seal, 'author'],
  [KINDS.directMessage, 'author-or-tagged'],
  [KINDS.fileMessage, 'author-or-tagged'],
  [KINDS.giftWrap, 'tagged'],
  [KINDS.ephemeralGiftWrap, 'tagged'],
])

/** Whether somebody authenticated as these pubkeys (none: an empty set) may see the event, on any way out. */
export function mayRead(
  event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags'>,
  authedPubkeys: ReadonlySet<string>,
): boolean {
  const readers = GUARDED_KINDS.get(event.kind)
  if (readers === undefined) return true
  if (authedPubkeys.size === 0) return false
  if (readers !== 'tagged' && authedPubkeys.has(event.pubkey)) return true
  return readers !== 'author' && somePTag(event, (pubkey) => authedPubkeys.has(pubkey))
}

/** Whether a filter can match nothing but guarded kinds: without AUTH it is refused instead of answered emptily. */
export const namesOnlyGuardedKinds = (filter: Pick<Filter, 'kinds'>): boolean =>
  filter.kinds !== undefined &&
  filter.kinds.length > 0 &&
  filter.kinds.every((kind) => GUARDED_KINDS.has(kind))

/** Whether only an authenticated author may publish the event: it has the tag `["-"]` (NIP-70). */
export const isProtected = (event: Pick<NostrEvent, 'tags'>): boolean =>
  event.tags.some((tag) => tag[0] === '-')
