import { err, invalid, LIMITS, ok, type Result } from '@millrace/kernel'
import { type Filter, isHex64, KIND_MAX, parseFilter } from '@millrace/nostr'
import { z } from 'zod'
import { decodeCursor, type Position } from './position-cursor.ts'

export const PAGE_EVENTS_DEFAULT = 100
export const PAGE_EVENTS_MAX = 1_000

const WHOLE = 'must be a whole number, 0 or more, in digits'
const KIND = `must be a whole number from 0 to ${KIND_MAX}, in digits`

const hex64 = z
  .string()
  .refine(isHex64, 'is not 64 lowercase hex characters')
  .meta({ pattern: '^[0-9a-f]{64}$' })
const listOf = <T extends z.ZodType>(entry: T, description: string) =>
  z.array(entry).max(LIMITS.filterListEntriesMax).optional().meta({ description })
const seconds = (description: string) => z.int(WHOLE).min(0, WHOLE).optional().meta({ description })

/** The query parameters beside those for tags. */
export const eventsQuery = z.object({
  ids: listOf(hex64, 'event ids; several separated by commas or as several parameters'),
  authors: listOf(hex64, 'pubkeys, likewise'),
  kinds: listOf(z.int(KIND).min(0, KIND).max(KIND_MAX, KIND), 'kinds, likewise'),
  since: seconds('created_at from, inclusive, seconds since the Unix epoch'),
  until: seconds('created_at to, inclusive, seconds since the Unix epoch'),
  limit: z
    .int(WHOLE)
    .min(0, WHOLE)
    .optional()
    .meta({
      description: `events of a page; larger than ${PAGE_EVENTS_MAX} counts as that`,
      default: PAGE_EVENTS_DEFAULT,
    }),
  cursor: z.string().max(200).optional().meta({ description: 'nextCursor of the page before' }),
})

const LISTS: ReadonlySet<string> = new Set(['ids', 'authors', 'kinds'])
const NUMBERS: ReadonlySet<string> = new Set(['kinds', 'since', 'until', 'limit'])
const TAG = /^#?[a-zA-Z]$/

export interface EventsQuery {
  /** Without a limit of its own. */
  readonly filter: Filter
  readonly limit: number
  readonly after: Position | null
}

/**
 * Reads a NIP-01 filter from query parameters. A tag filter is one letter, with or without the #, once for each value.
 * Faults: query-malformed, filter-malformed, filter-too-large.
 */
export function parseEventsQuery(query: URLSearchParams): Result<EventsQuery> {
  const fields: Record<string, unknown> = {}
  const tags: Record<string, string[]> = {}
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name)
    if (TAG.test(name)) tags[`#${name.at(-1)}`] = [...(tags[`#${name.at(-1)}`] ?? []), ...values]
    else if (!Object.hasOwn(eventsQuery.shape, name)) return malformed(name, 'is no parameter of this path')
    else if (LISTS.has(name)) fields[name] = values.flatMap(entriesOf).map(readValue(name))
    else if (values.length > 1) return malformed(name, 'is given twice')
    else fields[name] = readValue(name)(values[0] ?? '')
  }
  const read = eventsQuery.safeParse(fields)
  if (!read.success) return malformedBy(read.error)
  const { limit = PAGE_EVENTS_DEFAULT, cursor, ...conditions } = read.data
  const filter = parseFilter({ ...withoutUndefined(conditions), ...tags })
  if (!filter.ok) return filter
  const after = cursor === undefined ? ok(null) : decodeCursor(cursor)
  if (!after.ok) return after
  return ok({ filter: filter.value, limit: Math.min(limit, PAGE_EVENTS_MAX), after: after.value })
}

const entriesOf = (text: string): string[] => (text === '' ? [] : text.split(','))

/** Digits as a number; anything else stays text, so that the schema refuses it. */
const readValue =
  (name: string) =>
  (text: string): string | number =>
    NUMBERS.has(name) && /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : text

const withoutUndefined = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const malformed = (name: string, reason: string): Result<never> =>
  err(invalid('query-malformed', `${name.slice(0, 50)}: ${reason}`))

function malformedBy(error: z.ZodError): Result<never> {
  const [issue] = error.issues
  return malformed(String(issue?.path[0] ?? 'query'), issue?.message ?? 'is malformed')
}
