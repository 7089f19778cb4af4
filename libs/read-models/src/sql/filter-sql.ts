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

/**
 * One SELECT of a statement: `columns` are left to the caller. With `keys`, a list of primary keys is looked up first,
 * and the page ends where that list ends, whatever became of its rows.
 */
export interface Part {
  readonly keys: string | null
  /** FROM … WHERE … ORDER BY … LIMIT of a source named `e`; refers to the list of keys as `keysName`. */
  readonly body: (keysName: string) => string
  /** An expression: 1 when the row is to be shown, 0 when it only marks how far the page got. */
  readonly shown: (keysName: string) => string
}

const NEWEST_FIRST = 'ORDER BY created_at DESC, id ASC'
const KEY_COLUMNS = 'kind, pubkey, created_at, id'
const EVENTS = 'nostr_store.events AS e'
const WINNERS = 'nostr_store.winners AS e FINAL'

/** Translates a page of a filter. No parts: nothing in the store can match. */
export function partsOf(request: PageRequest, parameters: Parameters): Part[] {
  const { filter } = request
  const lists = [filter.ids, filter.authors, filter.kinds, ...Object.values(filter.tags)]
  if (lists.some((list) => list?.length === 0)) return []
  const builder = new PartBuilder(request, parameters)
  if (filter.kinds === undefined && isTimeOnly(filter)) return [builder.byTime()]
  return [builder.regular(), builder.versioned()].filter((part) => part !== null)
}

const isTimeOnly = (filter: Filter): boolean =>
  filter.ids === undefined && filter.authors === undefined && Object.keys(filter.tags).length === 0

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
    const ofClass = kinds === undefined ? `NOT ${versionedSql('e.kind')}` : null
    if (hasTags(filter)) return this.#byKeys(this.#tagKeys(kinds, ofClass))
    if (isTimeOnly(filter) && kinds?.some((kind) => FREQUENT_KINDS.has(kind)))
      return this.#byKeys(this.#timeKeys(kinds, ofClass), this.#isAlive())
    const where = [ofClass, ...this.#conditions(kinds), this.#isAlive()]
    return plain(`FROM ${EVENTS} WHERE ${all(where)} ORDER BY e.created_at DESC, e.id ASC ${this.#limit}`)
  }

  /** Replaceable and addressable kinds: filtered after the winner is known, so that no older version shows. */
  versioned(): Part | null {
    const { filter } = this.#request
    const kinds = filter.kinds?.filter(isVersionedKind)
    if (kinds?.length === 0) return null
    const where = [...this.#conditions(kinds), this.#isAlive()]
    for (const [letter, values] of Object.entries(filter.tags)) {
      const tagged = `FROM nostr_store.event_tags AS e WHERE ${all([
        this.#hasTag(letter, values),
        kinds === undefined
          ? versionedSql('e.kind')
          : `e.kind IN ${this.#parameters.addList('UInt16', kinds)}`,
      ])}`
      where.push(`(e.kind, e.pubkey, e.d) IN (SELECT e.kind, e.pubkey, e.d ${tagged})`)
      where.push(`e.id IN (SELECT e.id ${tagged})`)
    }
    return plain(`FROM ${WINNERS} WHERE ${all(where)} ORDER BY e.created_at DESC, e.id ASC ${this.#limit}`)
  }

  /** No kinds, authors, ids or tags: both classes by time; superseded versions only mark how far the page got. */
  byTime(): Part {
    const part = this.#byKeys(this.#timeKeys(undefined, null))
    const alive = this.#isAlive()
    return {
      ...part,
      shown: (keys) => `(${alive}) AND (NOT ${versionedSql('e.kind')} OR e.id IN (
        SELECT id FROM nostr_store.winners FINAL
        WHERE (kind, pubkey) IN (SELECT arrayJoin(arrayMap(k -> (k.1, k.2), ${keys})))))`,
    }
  }

  #byKeys(keys: string, shown = '1'): Part {
    return {
      keys,
      body: (name) =>
        `FROM ${EVENTS} WHERE (e.kind, e.pubkey, e.created_at, e.id) IN (SELECT arrayJoin(${name}))`,
      shown: () => shown,
    }
  }

  #timeKeys(kinds: readonly number[] | undefined, ofClass: string | null): string {
    const where = [ofClass, ...this.#conditions(kinds)]
    return `SELECT DISTINCT ${KEY_COLUMNS} FROM nostr_store.event_times AS e WHERE ${all(where)} ${NEWEST_FIRST} ${this.#limit}`
  }

  #tagKeys(kinds: readonly number[] | undefined, ofClass: string | null): string {
    const [[letter, values], ...others] = mostSelective(this.#request.filter)
    const where = [this.#hasTag(letter, values), ofClass, ...this.#conditions(kinds), this.#isAlive()]
    for (const [other, wanted] of others)
      where.push(
        `e.id IN (SELECT e.id FROM nostr_store.event_tags AS e WHERE ${this.#hasTag(other, wanted)})`,
      )
    return `SELECT DISTINCT ${KEY_COLUMNS} FROM nostr_store.event_tags AS e WHERE ${all(where)} ${NEWEST_FIRST} ${this.#limit}`
  }

  #hasTag(letter: string, values: readonly string[]): string {
    return `e.tag = ${this.#parameters.add('String', letter)} AND e.value IN ${this.#parameters.addList('String', values)}`
  }

  /** What every source with columns kind, pubkey, created_at and id can check. */
  #conditions(kinds: readonly number[] | undefined): (string | null)[] {
    const { filter, context } = this.#request
    const { ids, authors, since, until } = filter
    const parameters = this.#parameters
    return [
      kinds === undefined ? null : `e.kind IN ${parameters.addList('UInt16', kinds)}`,
      authors === undefined ? null : `e.pubkey IN ${parameters.addHexList(authors)}`,
      ids === undefined ? null : `e.id IN ${parameters.addHexList(ids)}`,
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
    return `e.created_at <= ${second} AND (e.created_at < ${second} OR e.id > ${this.#parameters.addHex(after.id)})`
  }

  #isAlive(): string {
    return `(e.expiration = 0 OR e.expiration > ${this.#parameters.add('UInt64', this.#request.context.nowS)})`
  }
}

const plain = (body: string): Part => ({ keys: null, body: () => body, shown: () => '1' })

const all = (conditions: readonly (string | null)[]): string =>
  conditions.filter((condition) => condition !== null && condition !== '').join(' AND ') || '1'

const hasTags = (filter: Filter): boolean => Object.keys(filter.tags).length > 0

type Tag = [letter: string, values: readonly string[]]

/** Letters whose values name one event or address come first; then those with the fewest values. */
const SELECTIVE_LETTERS = ['e', 'E', 'a', 'A', 'd', 'i', 'I', 'q']

function mostSelective(filter: Filter): [Tag, ...Tag[]] {
  const rank = ([letter, values]: Tag): number =>
    (SELECTIVE_LETTERS.includes(letter) ? 0 : 1_000_000) + values.length
  return (Object.entries(filter.tags) as Tag[]).sort((a, b) => rank(a) - rank(b)) as [Tag, ...Tag[]]
}
