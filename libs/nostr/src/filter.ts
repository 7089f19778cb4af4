import { err, invalid, LIMITS, ok, type Result } from '@millrace/kernel'
import { isHex64 } from './hex.ts'
import { KIND_MAX } from './kinds.ts'

/**
 * One filter of a REQ or COUNT (NIP-01). Lists hold no doubles; an empty one matches nothing, since at least one of its
 * values has to match. `since` and `until` are inclusive seconds since the Unix epoch, and 0 is a bound like any other.
 */
export interface Filter {
  readonly ids?: readonly string[]
  readonly authors?: readonly string[]
  readonly kinds?: readonly number[]
  readonly since?: number
  readonly until?: number
  /** At most LIMITS.filterLimitMax; counts for the initial query only. */
  readonly limit?: number
  /** Tag letter (a–z, A–Z, without the #) to wanted values; every letter given must match. */
  readonly tags: Readonly<Record<string, readonly string[]>>
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const TAG_FIELD = /^#[a-zA-Z]$/

const malformed = (message: string): Result<never> => err(invalid('filter-malformed', message))

/**
 * Reads a filter. Unknown fields are ignored, as relays do that see a newer client. `limit` is clamped silently (NIP-11
 * max_limit). Faults: filter-malformed; filter-too-large past LIMITS.filterListEntriesMax entries in one list.
 */
export function parseFilter(value: unknown): Result<Filter> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return malformed('filter is not an object')
  const tags: Record<string, readonly string[]> = {}
  const filter: Writable<Filter> = { tags }
  for (const [field, given] of Object.entries(value)) {
    const read = readField(filter, tags, field, given)
    if (!read.ok) return read
  }
  return ok(filter)
}

/** Reads all filters of one message; faults as in `parseFilter`, and filter-too-large past LIMITS.filtersPerReqMax. */
export function parseFilters(values: readonly unknown[]): Result<readonly Filter[]> {
  if (values.length > LIMITS.filtersPerReqMax)
    return err(invalid('filter-too-large', `more than ${LIMITS.filtersPerReqMax} filters`))
  const filters: Filter[] = []
  for (const value of values) {
    const filter = parseFilter(value)
    if (!filter.ok) return filter
    filters.push(filter.value)
  }
  return ok(filters)
}

function readField(
  filter: Writable<Filter>,
  tags: Record<string, readonly string[]>,
  field: string,
  given: unknown,
): Result<void> {
  switch (field) {
    case 'ids':
    case 'authors':
      return into(readList(field, given, isHex64, 'not 64 lowercase hex characters'), (list) => {
        filter[field] = list
      })
    case 'kinds':
      return into(readList(field, given, isKind, `not an integer from 0 to ${KIND_MAX}`), (list) => {
        filter.kinds = list
      })
    case 'since':
    case 'until':
      return into(readNumber(field, given, Number.MAX_SAFE_INTEGER), (seconds) => {
        filter[field] = seconds
      })
    case 'limit':
      return into(readNumber(field, given, LIMITS.filterLimitMax), (limit) => {
        filter.limit = limit
      })
  }
  if (!TAG_FIELD.test(field)) return ok(undefined)
  const letter = field.slice(1)
  const named = letter === 'e' || letter === 'p'
  const list = named
    ? readList(field, given, isHex64, 'not 64 lowercase hex characters')
    : readList(field, given, isText, 'not a string of well-formed Unicode')
  return into(list, (values) => {
    tags[letter] = values
  })
}

function into<T>(read: Result<T>, assign: (value: T) => void): Result<void> {
  if (!read.ok) return read
  assign(read.value)
  return ok(undefined)
}

const isKind = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= KIND_MAX

const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed()

function readList<T>(
  field: string,
  given: unknown,
  isEntry: (value: unknown) => value is T,
  otherwise: string,
): Result<readonly T[]> {
  if (!Array.isArray(given)) return malformed(`${field} is not a list`)
  if (given.length > LIMITS.filterListEntriesMax)
    return err(invalid('filter-too-large', `more than ${LIMITS.filterListEntriesMax} entries in ${field}`))
  for (const entry of given) if (!isEntry(entry)) return malformed(`an entry of ${field} is ${otherwise}`)
  return ok([...new Set(given as T[])])
}

/** A larger number than `max` is read as `max`: no event lies beyond the largest created_at. */
function readNumber(field: string, given: unknown, max: number): Result<number> {
  if (!Number.isInteger(given) || (given as number) < 0)
    return malformed(`${field} is not a non-negative integer`)
  return ok(Math.min(given as number, max) + 0)
}
