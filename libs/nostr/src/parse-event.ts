import { err, invalid, LIMITS, ok, type Result } from '@millrace/kernel'
import type { NostrEvent } from './event.ts'
import { isHex64, isHex128 } from './hex.ts'
import { KIND_MAX } from './kinds.ts'

/** The largest whole number that both JSON and the log's Avro encoding carry exactly: 2^53 − 2. */
export const CREATED_AT_MAX = Number.MAX_SAFE_INTEGER - 1

const malformed = (message: string): Result<never> => err(invalid('event-malformed', message))

/**
 * The exact shape of NIP-01: lowercase hex, integer `created_at` (0 to CREATED_AT_MAX) and `kind` (0–65535), tags of one or
 * more strings, well-formed Unicode throughout (a lone surrogate has no UTF-8, so no id). Unknown fields are dropped.
 * Faults: event-malformed, event-too-large (more than LIMITS.tagsPerEventMax tags).
 * Neither id nor signature is recomputed here: see `checkEventId` and the verifier.
 */
export function parseEvent(value: unknown): Result<NostrEvent> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return malformed('event is not an object')
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>
  if (!isHex64(id)) return malformed('id is not 64 lowercase hex characters')
  if (!isHex64(pubkey)) return malformed('pubkey is not 64 lowercase hex characters')
  if (!isHex128(sig)) return malformed('sig is not 128 lowercase hex characters')
  if (!isNaturalNumber(created_at, CREATED_AT_MAX))
    return malformed('created_at is not a non-negative integer')
  if (!isNaturalNumber(kind, KIND_MAX)) return malformed(`kind is not an integer from 0 to ${KIND_MAX}`)
  if (typeof content !== 'string') return malformed('content is not a string')
  if (!content.isWellFormed()) return malformed('content is not well-formed Unicode')
  const checkedTags = parseTags(tags)
  if (!checkedTags.ok) return checkedTags
  // `+ 0` turns JSON's -0 into 0, which is how it is serialised.
  return ok({
    id,
    pubkey,
    created_at: created_at + 0,
    kind: kind + 0,
    tags: checkedTags.value,
    content,
    sig,
  })
}

function parseTags(tags: unknown): Result<NostrEvent['tags']> {
  if (!Array.isArray(tags)) return malformed('tags is not an array')
  if (tags.length > LIMITS.tagsPerEventMax)
    return err(invalid('event-too-large', `more than ${LIMITS.tagsPerEventMax} tags`))
  for (const tag of tags) {
    if (!Array.isArray(tag) || tag.length === 0)
      return malformed('a tag is not an array of one or more strings')
    for (const item of tag) {
      if (typeof item !== 'string') return malformed('a tag holds something other than strings')
      if (!item.isWellFormed()) return malformed('a tag is not well-formed Unicode')
    }
  }
  return ok(tags as string[][])
}

const isNaturalNumber = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max

/** The id that a value claims to have: an EVENT with one is always answered with OK, otherwise with NOTICE. */
export function claimedEventId(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null
  const id = (value as { id?: unknown }).id
  return isHex64(id) ? id : null
}
