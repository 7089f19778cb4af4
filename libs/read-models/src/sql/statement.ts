import { type PageRequest, type Part, partsOf } from './filter-sql.ts'
import { Parameters } from './parameters.ts'

/** What one statement asks for: pages of filters, and the stored versions at some addresses. */
export interface StoreRequest {
  readonly pages: readonly PageRequest[]
  /** `kind:pubkey:d` addresses. */
  readonly addresses: readonly Address[]
}

export interface Address {
  readonly kind: number
  readonly pubkey: string
  readonly d: string
}

/** Splits `kind:pubkey:d`; d may hold colons. */
export function parseAddress(address: string): Address {
  const [kind = '', pubkey = ''] = address.split(':', 2)
  return { kind: Number(kind), pubkey, d: address.slice(kind.length + pubkey.length + 2) }
}

/** How to read a row's `part` column. */
export interface PartOrigin {
  /** Index into StoreRequest.pages. */
  readonly page: number
  /** Whether a marker row tells where the page ends; otherwise it ends where `rowsMax` rows end. */
  readonly isKeyed: boolean
}

export interface Statement {
  readonly sql: string
  readonly params: Readonly<Record<string, unknown>>
  readonly origins: readonly PartOrigin[]
}

/** The value of `shown` in rows that are no events. */
export const MARKER = 2
export const VERSION = 3

const NO_TAGS = "CAST([], 'Array(Array(String))')"

/**
 * The seven fields come first, in NIP-01's order, so that a row of JSONEachRow up to `sig` is the event's JSON. What
 * follows is for the reader: part, shown (0, 1, MARKER, VERSION), partition and offset.
 */
export const eventColumns = (part: number, shown: string): string =>
  `lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at, e.kind AS kind, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, toUInt16(${part}) AS part, toUInt8(${shown}) AS shown,
  e.log_partition AS log_partition, e.log_offset AS log_offset`

/** The last key of the list, and in log_offset how many there are. */
const markerSql = (part: number, keys: string): string =>
  `SELECT lower(hex(${keys}[-1].4)) AS id, '' AS pubkey, ${keys}[-1].3 AS created_at, toUInt16(0) AS kind, ${NO_TAGS} AS tags,
  '' AS content, '' AS sig, toUInt16(${part}) AS part, toUInt8(${MARKER}) AS shown, toUInt32(0) AS log_partition,
  toUInt64(length(${keys})) AS log_offset`

/** The winners at the given addresses: their d comes as content. */
function versionsSql(addresses: readonly Address[], parameters: Parameters): string {
  const kinds = parameters.addList(
    'UInt16',
    addresses.map((address) => address.kind),
  )
  const pubkeys = parameters.addHexList(addresses.map((address) => address.pubkey))
  const ds = parameters.addList(
    'String',
    addresses.map((address) => address.d),
  )
  return `SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at, e.kind AS kind,
  ${NO_TAGS} AS tags, e.d AS content, '' AS sig, toUInt16(0) AS part, toUInt8(${VERSION}) AS shown,
  e.log_partition AS log_partition, e.log_offset AS log_offset
FROM nostr_store.winners AS e FINAL
WHERE (e.kind, e.pubkey, e.d) IN (SELECT arrayJoin(arrayZip(${kinds}, ${pubkeys}, ${ds})))`
}

/** One statement for all of a request; null when nothing has to be asked. */
export function statementOf(request: StoreRequest): Statement | null {
  const parameters = new Parameters()
  const origins: PartOrigin[] = []
  const scalars: string[] = []
  const selects: string[] = []
  const addPart = (page: number, { keys, body, shown }: Part) => {
    const part = origins.length
    const name = `keys${part}`
    origins.push({ page, isKeyed: keys !== null })
    selects.push(`SELECT ${eventColumns(part, shown(name))} ${body(name)}`)
    if (keys === null) return
    scalars.push(`(SELECT groupArray((kind, pubkey, created_at, id)) FROM (${keys})) AS ${name}`)
    selects.push(markerSql(part, name))
  }
  request.pages.forEach((page, index) => {
    for (const part of partsOf(page, parameters)) addPart(index, part)
  })
  if (request.addresses.length > 0) selects.push(versionsSql(request.addresses, parameters))
  if (selects.length === 0) return null
  const head = scalars.length === 0 ? '' : `WITH ${scalars.join(',\n')}\n`
  return { sql: head + selects.join('\nUNION ALL\n'), params: parameters.values, origins }
}
