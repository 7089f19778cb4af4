import type { ClickHouse } from '@millrace/clickhouse'
import { err, type Fault, ok, type Result, transient } from '@millrace/kernel'
import { addressKey } from '@millrace/nostr'
import { comparePositions, type Position } from '../position.ts'
import { rowsOf, type StoreRow } from './rows.ts'
import { MARKER, type PartOrigin, type StoreRequest, statementOf, VERSION } from './statement.ts'

/** A page of what a filter matches in the store, superseded and unreadable events left out. */
export interface StoredPage {
  /** In served order, each id once. */
  readonly rows: readonly StoreRow[]
  /** The page is complete up to here, this position included; null: there is nothing after it. */
  readonly endsAt: Position | null
}

/** The stored winner of an address. */
export interface StoredVersion {
  readonly id: string
  readonly pubkey: string
  readonly kind: number
  readonly createdAt: number
  readonly d: string
}

export interface StoreAnswer {
  /** One for each page asked for. */
  readonly pages: readonly StoredPage[]
  /** By `kind:pubkey:d` address; only those that were asked for and exist. */
  readonly versions: ReadonlyMap<string, StoredVersion>
}

export interface StoreReadOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

// The answer is held in memory as text: a page of very large events is refused and asked for again in smaller pages.
const ANSWER_BYTES_MAX = 48 * 1024 * 1024

const SETTINGS = {
  max_result_bytes: String(ANSWER_BYTES_MAX),
  result_overflow_mode: 'throw',
  output_format_json_escape_forward_slashes: 0,
  output_format_json_quote_64bit_integers: 0,
  // Without it the wide columns of everything that matches are read before the cut.
  query_plan_max_limit_for_lazy_materialization: '10000',
  use_skip_indexes_if_final: 1,
  use_skip_indexes_if_final_exact_mode: 1,
} as const

/** Whether a smaller page may succeed where this one failed. */
export const isTooLarge = (fault: Fault): boolean =>
  fault.code === 'clickhouse-refused' && fault.message.includes('TOO_MANY_ROWS_OR_BYTES')

const EMPTY_PAGE: StoredPage = { rows: [], endsAt: null }

/** Asks ClickHouse for pages of filters and winners of addresses, all in one statement. */
export async function readStored(
  ch: ClickHouse,
  request: StoreRequest,
  { signal, timeoutMs }: StoreReadOptions = {},
): Promise<Result<StoreAnswer>> {
  const statement = statementOf(request)
  if (statement === null) return ok({ pages: request.pages.map(() => EMPTY_PAGE), versions: new Map() })
  const text = await ch.queryText(statement.sql, {
    name: 'req',
    params: statement.params,
    settings: SETTINGS,
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  if (!text.ok) return text
  try {
    return ok(answerOf(request, statement.origins, rowsOf(text.value)))
  } catch (cause) {
    return err(transient('clickhouse-unavailable', 'ClickHouse broke off its answer', cause))
  }
}

function answerOf(
  request: StoreRequest,
  origins: readonly PartOrigin[],
  rows: readonly StoreRow[],
): StoreAnswer {
  const parts: { rows: StoreRow[]; marker: StoreRow | null }[] = origins.map(() => ({
    rows: [],
    marker: null,
  }))
  const versions = new Map<string, StoredVersion>()
  for (const row of rows) {
    if (row.shown === VERSION) {
      const d = (JSON.parse(row.json) as { content: string }).content
      versions.set(addressKey(row.kind, row.pubkey, d), { ...versionOf(row), d })
      continue
    }
    const part = parts[row.part]
    if (part === undefined) throw new Error(`part ${row.part} was not asked for`)
    if (row.shown === MARKER) part.marker = row
    else part.rows.push(row)
  }
  const pages = request.pages.map(({ rowsMax }, page) => {
    const ends: Position[] = []
    const found: StoreRow[] = []
    origins.forEach((origin, index) => {
      const part = parts[index]
      if (origin.page !== page || part === undefined) return
      found.push(...part.rows)
      const end = origin.isKeyed ? endOfKeys(part.marker, rowsMax) : endOfRows(part.rows, rowsMax)
      if (end !== null) ends.push(end)
    })
    const endsAt = ends.sort(comparePositions)[0] ?? null
    return { rows: pageOf(found, endsAt), endsAt }
  })
  return { pages, versions }
}

const versionOf = ({ id, pubkey, kind, createdAt }: StoreRow) => ({ id, pubkey, kind, createdAt })

function endOfKeys(marker: StoreRow | null, rowsMax: number): Position | null {
  if (marker === null) throw new Error('a list of keys came without its marker')
  return marker.offset < rowsMax ? null : { createdAt: marker.createdAt, id: marker.id }
}

function endOfRows(rows: readonly StoreRow[], rowsMax: number): Position | null {
  if (rows.length < rowsMax) return null
  const last = rows.toSorted(comparePositions).at(-1)
  return last === undefined ? null : { createdAt: last.createdAt, id: last.id }
}

function pageOf(rows: StoreRow[], endsAt: Position | null): StoreRow[] {
  const page: StoreRow[] = []
  for (const row of rows.sort(comparePositions)) {
    if (endsAt !== null && comparePositions(row, endsAt) > 0) break
    // Before a merge the store may hold an event more than once.
    if (row.shown === 1 && row.id !== page.at(-1)?.id) page.push(row)
  }
  return page
}
