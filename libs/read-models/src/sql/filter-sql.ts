import type { Filter } from '@millrace/nostr'
import type { ReadContext } from '../event-reader.ts'
import type { Position } from '../position.ts'
import { guardSql } from './guard-sql.ts'
import { isVersionedKind, versionedSql } from './kind-class.ts'
import type { Parameters } from './parameters.ts'

/** One page of what a filter matches in ClickHouse. */
export interface PageRequest {
  readonly filter: Filter
  /** Where the previous page ended; null for the first. */
  readonly after: Position | null
  readonly rowsMax: number
  readonly context: Pick<ReadContext, 'authedPubkeys' | 'nowS'>
}

/** One SELECT of keys (kind, pubkey, created_at, id); the page ends where its rows reach `rowsMax`. */
export interface Part {
  /** FROM …, with a source named `e`. */
  readonly from: (scalarName: string) => string
  /** A scalar subquery that `from` and `shown` refer to by name. */
  readonly scalar?: string
  /** An expression for the column `shown` (default: SHOWN). */
  readonly shown?: (scalarName: string) => string
  /** An expression for the column `d` (default: ''). */
  readonly d?: string
}

/** `shown`: only marks how far the page got; belongs to it; belongs to it if it is the current version of its address. */
export const HIDDEN = 0
export const SHOWN = 1
export const UNVERIFIED = 2

const EVENTS = 'nostr_store.events AS e'
const WINNERS = 'nostr_store.winners AS e FINAL'
const TAGS = 'nostr_store.event_tags AS e'
const TIMES = 'nostr_store.event_times AS e'
const AUTHORS = 'nostr_store.event_authors AS e'
const ORDER = 'ORDER BY e.created_at DESC, e.id ASC'

const UNVERIFIED_VERSIONS = {
  shown: () => `if(${versionedSql('e.kind')}, ${UNVERIFIED}, ${SHOWN})`,
  d: 'e.d',
}

/** Translates a page of a filter. No parts: nothing in the store can match. */
export function partsOf(request: PageRequest, parameters: Parameters): Part[] {
  const { filter } = request
  const lists = [filter.ids, filter.authors, filter.kinds, ...Object.values(filter.tags)]
  if (lists.some((list) => list?.length === 0)) return []
  const builder = new PartBuilder(request, parameters)
  if (filter.kinds === undefined && isTimeOnly(filter)) return [builder.byTime()]
  if (filter.kinds === undefined && isAuthorsOnly(filter)) return [builder.byAuthor()]
  if (filter.kinds === undefined && isAboutOneThing(filter)) return [builder.byTag()]
  return [builder.regular(), builder.versioned()].filter((part) => part !== null)
}

const isTimeOnly = (filter: Filter): boolean =>
  filter.ids === undefined && filter.authors === undefined && Object.keys(filter.tags).length === 0

const isAuthorsOnly = (filter: Filter): boolean =>
  filter.authors !== undefined && filter.ids === undefined && Object.keys(filter.tags).length === 0

const isAboutOneThing = (filter: Filter): boolean =>
  filter.ids === undefined &&
  filter.authors === undefined &&
  Object.keys(filter.tags).some((letter) => SELECTIVE_LETTERS.includes(letter))

/** The kinds that make up most of a relay: for these, reading by time meets matches at once. */
const FREQUENT_KINDS: ReadonlySet<number> = new Set([1, 6, 7, 9735])

class PartBuilder {
  readonly #request: PageRequest
  readonly #parameters: Parameters
  readonly #limit: string

  constructor(request: PageRequest, parameters: Parameters) {
    this.#request = request
    this.#parameters = parameters
    this.#limit = `LIMIT ${parameters.add('UInt32', request.rowsMax)}`
  }

  /** Regular kinds: every admitted event is current. */
  regular(): Part | null {
    const { filter } = this.#request
    const kinds = filter.kinds?.filter((kind) => !isVersionedKind(kind))
    if (kinds?.length === 0) return null
    const where = [kinds === undefined ? `NOT ${versionedSql('e.kind')}` : null, ...this.#conditions(kinds)]
    if (Object.keys(filter.tags).length > 0) return this.#byTags(where)
    if (isTimeOnly(filter) && kinds?.some((kind) => FREQUENT_KINDS.has(kind)))
      return { from: () => this.#newest(where) }
    where.push(this.#isAlive())
    const source = isAuthorsOnly(filter) ? AUTHORS : EVENTS
    return { from: () => `FROM ${source} WHERE ${all(where)} ${ORDER} ${this.#limit}` }
  }

  /** Replaceable and addressable kinds: filtered after the winner is known, so that no older version shows. */
  versioned(): Part | null {
    const { filter } = this.#request
    const kinds = filter.kinds?.filter(isVersionedKind)
    if (kinds?.length === 0) return null
    const where = [...this.#conditions(kinds), this.#isAlive()]
    for (const [letter, values] of Object.entries(filter.tags)) {
      const ofKind =
        kinds === undefined ? versionedSql('e.kind') : `e.kind IN ${this.#parameters.inList('UInt16', kinds)}`
      const tagged = `FROM ${TAGS} WHERE ${all([this.#hasTag(letter, values), ofKind])}`
      where.push(`(e.kind, e.pubkey, e.d, e.id) IN (SELECT e.kind, e.pubkey, e.d, e.id ${tagged})`)
    }
    return { from: () => `FROM ${WINNERS} WHERE ${all(where)} ${ORDER} ${this.#limit}` }
  }

  /** No kinds, authors, ids or tags: both classes by time; superseded versions only mark how far the page got. */
  byTime(): Part {
    const newest = this.#newest(this.#conditions(undefined))
    return {
      scalar: `SELECT groupArray((kind, pubkey, created_at, id)) FROM (SELECT kind, pubkey, created_at, id ${newest})`,
      from: (keys) => `FROM (
        SELECT arrayJoin(${keys}) AS k, k.1 AS kind, k.2 AS pubkey, k.3 AS created_at, k.4 AS id) AS e`,
      shown: (keys) => `if(NOT ${versionedSql('e.kind')} OR e.id IN (
        SELECT id FROM nostr_store.winners FINAL
        WHERE (kind, pubkey) IN (SELECT arrayJoin(arrayMap(k -> (k.1, k.2), ${keys})))), ${SHOWN}, ${HIDDEN})`,
    }
  }

  /**
   * The newest rows by time. The server reads backwards only for an order by created_at alone, so the second in which the
   * page ends is looked up first, and then only what is not older is sorted.
   */
  #newest(conditions: readonly (string | null)[]): string {
    const where = all(conditions)
    return `FROM ${TIMES} WHERE ${where} AND e.created_at >= (SELECT min(second) FROM (
      SELECT e.created_at AS second FROM ${TIMES} WHERE ${where} ORDER BY e.created_at DESC ${this.#limit}))
      ${ORDER} ${this.#limit}`
  }

  /** Both classes by author; the version that rules an address is asked for afterwards. */
  byAuthor(): Part {
    const where = all([...this.#conditions(undefined), this.#isAlive()])
    return { ...UNVERIFIED_VERSIONS, from: () => `FROM ${AUTHORS} WHERE ${where} ${ORDER} ${this.#limit}` }
  }

  /**
   * Both classes by a tag that few events have. Whether a version is current is asked afterwards, and mostly not at all,
   * since there are no versions among them.
   */
  byTag(): Part {
    return { ...this.#byTags(this.#conditions(undefined)), ...UNVERIFIED_VERSIONS }
  }

  #byTags(conditions: readonly (string | null)[]): Part {
    const [[letter, values], ...others] = mostSelective(this.#request.filter)
    const where = [this.#hasTag(letter, values), ...conditions, this.#isAlive()]
    for (const [other, wanted] of others)
      where.push(`e.id IN (SELECT e.id FROM ${TAGS} WHERE ${this.#hasTag(other, wanted)})`)
    const matches = `FROM ${TAGS} WHERE ${all(where)} ${ORDER} ${this.#limit}`
    if (values.length === 1) return { from: () => matches }
    // An event with several of the values is in here several times.
    return {
      from: () =>
        `FROM (SELECT DISTINCT e.kind AS kind, e.pubkey AS pubkey, e.created_at AS created_at, e.id AS id, e.d AS d ${matches}) AS e`,
    }
  }

  #hasTag(letter: string, values: readonly string[]): string {
    return `e.tag = ${this.#parameters.add('String', letter)} AND e.value IN ${this.#parameters.inList('String', values)}`
  }

  /** What every source with columns kind, pubkey, created_at and id can check. */
  #conditions(kinds: readonly number[] | undefined): (string | null)[] {
    const { filter, context } = this.#request
    const { ids, authors, since, until } = filter
    const parameters = this.#parameters
    return [
      kinds === undefined ? null : `e.kind IN ${parameters.inList('UInt16', kinds)}`,
      authors === undefined ? null : `e.pubkey IN ${parameters.inHexList(authors)}`,
      ids === undefined ? null : `e.id IN ${parameters.inHexList(ids)}`,
      since === undefined ? null : `e.created_at >= ${parameters.add('UInt64', since)}`,
      until === undefined ? null : `e.created_at <= ${parameters.add('UInt64', until)}`,
      this.#isAfter(),
      guardSql(kinds, context.authedPubkeys, 'e', parameters),
    ]
  }

  #isAfter(): string | null {
    const { after } = this.#request
    if (after === null) return null
    const second = this.#parameters.add('UInt64', after.createdAt)
    // The first condition alone can use an index.
    return `e.created_at <= ${second} AND (e.created_at < ${second} OR e.id > ${this.#parameters.hex(after.id)})`
  }

  #isAlive(): string {
    return `(e.expiration = 0 OR e.expiration > ${this.#parameters.add('UInt64', this.#request.context.nowS)})`
  }
}

const all = (conditions: readonly (string | null)[]): string =>
  conditions.filter((condition) => condition !== null && condition !== '').join(' AND ') || '1'

type Tag = [letter: string, values: readonly string[]]

/** Letters whose values name one event or address come first; then those with the fewest values. */
const SELECTIVE_LETTERS = ['e', 'E', 'a', 'A', 'd', 'i', 'I', 'q']

function mostSelective(filter: Filter): [Tag, ...Tag[]] {
  const rank = ([letter, values]: Tag): number =>
    (SELECTIVE_LETTERS.includes(letter) ? 0 : 1_000_000) + values.length
  return (Object.entries(filter.tags) as Tag[]).sort((a, b) => rank(a) - rank(b)) as [Tag, ...Tag[]]
}
