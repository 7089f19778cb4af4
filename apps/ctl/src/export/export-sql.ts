import { type Filter, GUARDED_KINDS } from '@millrace/nostr'

/** What to export besides the filter. */
export interface ExportScope {
  /** Superseded versions too. */
  readonly allVersions: boolean
  /** Kinds that not everybody may read too (DESIGN 2.7). */
  readonly includePrivate: boolean
  /** Seconds since the Unix epoch: what has expired by then is left out. */
  readonly nowS: number
}

export interface Statement {
  readonly sql: string
  readonly params: Readonly<Record<string, unknown>>
}

const COLUMNS =
  'lower(hex(e.id)), lower(hex(e.pubkey)), e.created_at, e.kind, e.tags, e.content, lower(hex(e.sig))'

/** A row of the statement, in the order of its columns. */
export type ExportRow = readonly [string, string, number, number, string[][], string, string]

/** Sorting more than this goes to disk: an export is larger than memory. */
export const SORT_BYTES_IN_MEMORY_MAX = 256 * 1024 * 1024

/** The server takes form fields up to 128 KiB: this many 64-character values stay well below. */
const FIELD_VALUES_MAX = 1_000

/** The views apply tombstones and floors; each has an event once. */
const ALL_VERSIONS = 'nostr_store.events_above_floors AS e'
const VERSIONED = '(e.kind IN (0, 3) OR e.kind BETWEEN 10000 AND 19999 OR e.kind BETWEEN 30000 AND 39999)'

/** Oldest first, ties by id, so that the same store gives the same file; with `limit`, the newest that many. */
export function exportStatement(filter: Filter, scope: ExportScope): Statement {
  const params: Record<string, unknown> = {}
  const where = conditions(filter, scope, params).join(' AND ')
  const sources = scope.allVersions
    ? `SELECT * FROM ${ALL_VERSIONS} WHERE ${where}`
    : `SELECT * FROM ${ALL_VERSIONS} WHERE NOT ${VERSIONED} AND ${where}
       UNION ALL SELECT * FROM nostr_store.versions_current AS e WHERE ${where}`
  const chosen =
    filter.limit === undefined
      ? `(${sources})`
      : `(SELECT * FROM (${sources}) ORDER BY created_at DESC, id ASC LIMIT ${param(params, 'UInt32', filter.limit)})`
  return { sql: `SELECT ${COLUMNS} FROM ${chosen} AS e ORDER BY e.created_at, e.id`, params }
}

/** How many rows there will be, for the progress bar. */
export function countStatement(filter: Filter, scope: ExportScope): Statement {
  const { sql, params } = exportStatement(filter, scope)
  return { sql: `SELECT count() AS count FROM (${sql})`, params }
}

function conditions(filter: Filter, scope: ExportScope, params: Record<string, unknown>): string[] {
  const where = [`(e.expiration = 0 OR e.expiration > ${param(params, 'UInt64', scope.nowS)})`]
  if (!scope.includePrivate) where.push(`e.kind NOT IN (${[...GUARDED_KINDS.keys()].join(', ')})`)
  if (filter.ids) where.push(`e.id IN ${hexList(params, filter.ids)}`)
  if (filter.authors) where.push(`e.pubkey IN ${hexList(params, filter.authors)}`)
  if (filter.kinds) where.push(`e.kind IN ${param(params, 'Array(UInt16)', [...filter.kinds])}`)
  if (filter.since !== undefined) where.push(`e.created_at >= ${param(params, 'UInt64', filter.since)}`)
  if (filter.until !== undefined) where.push(`e.created_at <= ${param(params, 'UInt64', filter.until)}`)
  for (const [letter, values] of Object.entries(filter.tags))
    where.push(
      `e.id IN (SELECT id FROM nostr_store.event_tags WHERE tag = ${param(params, 'String', letter)} AND value IN ${textList(params, values)})`,
    )
  return where
}

function param(params: Record<string, unknown>, type: string, value: unknown): string {
  const name = `p${Object.keys(params).length}`
  params[name] = value
  return `{${name}:${type}}`
}

/** As one array, sent in as many fields as its size needs. */
function textList(params: Record<string, unknown>, values: readonly string[]): string {
  const fields: string[] = []
  for (let at = 0; at < values.length; at += FIELD_VALUES_MAX)
    fields.push(param(params, 'Array(String)', values.slice(at, at + FIELD_VALUES_MAX)))
  return fields.length === 0 ? "CAST([], 'Array(String)')" : `arrayConcat(${fields.join(', ')})`
}

const hexList = (params: Record<string, unknown>, values: readonly string[]): string =>
  `arrayMap(x -> toFixedString(unhex(x), 32), ${textList(params, values)})`
