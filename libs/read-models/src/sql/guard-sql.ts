import { GUARDED_KINDS } from '@millrace/nostr'
import type { Parameters } from './parameters.ts'

const guardedKinds = (test: (readers: string) => boolean): number[] =>
  [...GUARDED_KINDS].filter(([, readers]) => test(readers)).map(([kind]) => kind)

const ALL = guardedKinds(() => true)
const FOR_AUTHORS = guardedKinds((readers) => readers !== 'tagged')
const FOR_TAGGED = guardedKinds((readers) => readers !== 'author')

/**
 * A condition over columns kind, pubkey and id of `alias`: the asker may read the row (DESIGN 2.7); null when the kinds
 * asked for need none. The same rules as mayRead of @millrace/nostr.
 */
export function guardSql(
  kinds: readonly number[] | undefined,
  authedPubkeys: ReadonlySet<string>,
  alias: string,
  parameters: Parameters,
): string | null {
  if (kinds !== undefined && !kinds.some((kind) => GUARDED_KINDS.has(kind))) return null
  const isOpen = `${alias}.kind NOT IN (${ALL.join(', ')})`
  if (authedPubkeys.size === 0) return isOpen
  const asker = parameters.inHexList([...authedPubkeys])
  const asText = parameters.inList('String', [...authedPubkeys])
  return `(${isOpen}
    OR (${alias}.kind IN (${FOR_AUTHORS.join(', ')}) AND ${alias}.pubkey IN ${asker})
    OR (${alias}.kind IN (${FOR_TAGGED.join(', ')}) AND ${alias}.id IN (
      SELECT id FROM nostr_store.event_tags
      WHERE tag = 'p' AND value IN ${asText} AND kind IN (${FOR_TAGGED.join(', ')}))))`
}
