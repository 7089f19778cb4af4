import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { addressKey } from '@millrace/nostr'
import type { EventKey } from '../bodies/event-body.ts'
import { comparePositions, type Position } from '../position.ts'
import { HIDDEN, UNVERIFIED } from './filter-sql.ts'
import { type KeyRow, type StoreRequest, statementOf, VERSION } from './statement.ts'

/** A key that matches. With an address: it counts only if it is the winner there. */
export interface FoundKey extends EventKey {
  readonly unverifiedAddress: string | null
}

/** The keys of one page of a filter, unreadable events left out, and superseded ones where that is known. */
export interface KeyPage {
  /** In served order, each id once. */
  readonly keys: readonly FoundKey[]
  /** The page is complete up to here, this position included; null: there is nothing after it. */
  readonly endsAt: Position | null
}

/** The stored winner of an address. */
export interface StoredVersion extends EventKey {
  readonly d: string
}

export interface StoreAnswer {
  /** One for each page asked for. */
  readonly pages: readonly KeyPage[]
  /** By `kind:pubkey:d` address; only those that were asked for and exist. */
  readonly versions: ReadonlyMap<string, StoredVersion>
}

const EMPTY_PAGE: KeyPage = { keys: [], endsAt: null }

/** Asks ClickHouse for the keys of pages and the winners of addresses, all in one statement. */
export async function readKeys(
  ch: ClickHouse,
  request: StoreRequest,
  signal: AbortSignal,
): Promise<Result<StoreAnswer>> {
  const statement = statementOf(request)
  if (statement === null) return ok({ pages: request.pages.map(() => EMPTY_PAGE), versions: new Map() })
  const rows = await ch.query<KeyRow>(statement.sql, {
    name: 'req',
    params: statement.params,
    format: 'JSONCompactEachRow',
    signal,
    settings: {
      output_format_json_quote_64bit_integers: 0,
      // With FINAL an index may rule out the newest version and let an older one through, unless it is used exactly.
      use_skip_indexes_if_final: 1,
      use_skip_indexes_if_final_exact_mode: 1,
    },
  })
  return rows.ok ? ok(answerOf(request, statement.pageOfPart, rows.value)) : rows
}

function answerOf(
  request: StoreRequest,
  pageOfPart: readonly number[],
  rows: readonly KeyRow[],
): StoreAnswer {
  const parts: PageRow[][] = pageOfPart.map(() => [])
  const versions = new Map<string, StoredVersion>()
  for (const [id, pubkey, createdAt, kind, part, shown, d] of rows) {
    if (shown === VERSION) versions.set(addressKey(kind, pubkey, d), { id, pubkey, createdAt, kind, d })
    else
      parts[part]?.push({
        id,
        pubkey,
        createdAt,
        kind,
        isHidden: shown === HIDDEN,
        unverifiedAddress: shown === UNVERIFIED ? addressKey(kind, pubkey, d) : null,
      })
  }
  const pages = request.pages.map(({ rowsMax }, page) => {
    const ofPage = parts.filter((_, part) => pageOfPart[part] === page)
    const ends = ofPage.map((found) => endOf(found, rowsMax)).filter((end) => end !== null)
    const endsAt = ends.sort(comparePositions)[0] ?? null
    return { keys: keysOf(ofPage.flat(), endsAt), endsAt }
  })
  return { pages, versions }
}

interface PageRow extends FoundKey {
  readonly isHidden: boolean
}

function endOf(found: readonly PageRow[], rowsMax: number): Position | null {
  if (found.length < rowsMax) return null
  const last = found.toSorted(comparePositions).at(-1)
  return last === undefined ? null : { createdAt: last.createdAt, id: last.id }
}

function keysOf(found: PageRow[], endsAt: Position | null): FoundKey[] {
  const keys: FoundKey[] = []
  for (const key of found.sort(comparePositions)) {
    if (endsAt !== null && comparePositions(key, endsAt) > 0) break
    // Before a merge the store may hold an event more than once.
    if (!key.isHidden && key.id !== keys.at(-1)?.id) keys.push(key)
  }
  return keys
}
