import { type PageRequest, partsOf, SHOWN } from './filter-sql.ts'
import { Parameters } from './parameters.ts'

/** What one statement asks for: pages of filters, and the stored versions at some addresses. */
export interface StoreRequest {
  readonly pages: readonly PageRequest[]
  readonly addresses: readonly Address[]
}

/** A `kind:pubkey:d` address in parts. */
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

export interface Statement {
  readonly sql: string
  readonly params: Readonly<Record<string, unknown>>
  /** The `part` of a row → index into StoreRequest.pages. */
  readonly pageOfPart: readonly number[]
}

/** One row: a key, which part found it, what it is, and for versions not yet verified and for winners the d of its address. */
export type KeyRow = readonly [
  id: string,
  pubkey: string,
  createdAt: number,
  kind: number,
  part: number,
  shown: number,
  d: string,
]

/** `shown` of a winner that was asked for by its address. */
export const VERSION = 3

const columns = (part: number, shown: string, d: string): string =>
  `lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at, e.kind AS kind,
  toUInt16(${part}) AS part, toUInt8(${shown}) AS shown, ${d} AS d`

/** One statement for all of a request; null when nothing has to be asked. */
export function statementOf(request: StoreRequest): Statement | null {
  const parameters = new Parameters()
  const pageOfPart: number[] = []
  const scalars: string[] = []
  const selects: string[] = []
  request.pages.forEach((page, index) => {
    for (const { from, scalar, shown, d } of partsOf(page, parameters)) {
      const part = pageOfPart.push(index) - 1
      const name = `keys${part}`
      if (scalar !== undefined) scalars.push(`(${scalar}) AS ${name}`)
      selects.push(`SELECT ${columns(part, shown?.(name) ?? String(SHOWN), d ?? "''")} ${from(name)}`)
    }
  })
  if (request.addresses.length > 0) selects.push(versionsSql(request.addresses, parameters))
  if (selects.length === 0) return null
  const head = scalars.length === 0 ? '' : `WITH ${scalars.join(',\n')}\n`
  return { sql: head + selects.join('\nUNION ALL\n'), params: parameters.values, pageOfPart }
}

function versionsSql(addresses: readonly Address[], parameters: Parameters): string {
  const kinds = parameters.array(
    'UInt16',
    addresses.map((address) => address.kind),
  )
  const pubkeys = parameters.hexArray(addresses.map((address) => address.pubkey))
  const ds = parameters.array(
    'String',
    addresses.map((address) => address.d),
  )
  return `SELECT ${columns(0, String(VERSION), 'e.d')} FROM nostr_store.winners AS e FINAL
WHERE (e.kind, e.pubkey, e.d) IN (SELECT arrayJoin(arrayZip(${kinds}, ${pubkeys}, ${ds})))`
}
