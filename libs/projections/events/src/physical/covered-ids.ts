import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'

// As text, a list of ids stays below http_max_field_value_size (128 KiB by default).
const KEYS_PER_QUERY_MAX = 1_000
const ADDRESSES_PER_QUERY_MAX = 250
const NAME = { name: 'erasure_candidates' } as const

interface Candidate {
  readonly id_hex: string
  readonly pubkey_hex: string
  readonly kind: number
  readonly d: string
  readonly created_at: number
  readonly recipients: readonly string[]
}

// Other names than the columns': an alias would take the place of the column in WHERE.
const FACTS = `lower(hex(id)) AS id_hex, lower(hex(pubkey)) AS pubkey_hex, kind, d, created_at`
const NO_RECIPIENTS = "CAST([], 'Array(String)') AS recipients"
const RECIPIENTS = `if(kind IN (1059, 21059), arrayMap(t -> t[2], arrayFilter(t -> t[1] = 'p' AND length(t) > 1, tags)), []) AS recipients`

/**
 * Ids of the rows that the tombstones erase. The tables find candidates; whether a tombstone covers one is decided as everywhere,
 * by a `TombstoneSet` of these tombstones, so that none reaches beyond its author.
 */
export async function coveredIds(
  ch: ClickHouse,
  tombstones: readonly Tombstone[],
): Promise<Result<ReadonlySet<string>>> {
  const set = new TombstoneSet()
  for (const tombstone of tombstones) set.apply(tombstone)
  const covered = new Set<string>()
  const take = (candidate: Candidate) => {
    const event = eventOf(candidate)
    if (set.covers(event) || set.isBelowFloor(event)) covered.add(candidate.id_hex)
  }
  for (const { sql, params } of candidateQueries(tombstones)) {
    const found = await ch.query<Candidate>(sql, { params, ...NAME })
    if (!found.ok) return found
    for (const candidate of found.value) take(candidate)
  }
  return ok(covered)
}

const eventOf = ({ id_hex, pubkey_hex, kind, d, created_at, recipients }: Candidate): NostrEvent => ({
  id: id_hex,
  pubkey: pubkey_hex,
  kind,
  created_at: Number(created_at),
  tags: [['d', d], ...recipients.map((recipient) => ['p', recipient])],
  content: '',
  sig: '',
})

interface Statement {
  readonly sql: string
  readonly params: Readonly<Record<string, unknown>>
}

function* candidateQueries(tombstones: readonly Tombstone[]): Generator<Statement> {
  const ids = new Set<string>()
  const pubkeys = new Set<string>()
  const addresses = new Map<string, { kind: number; pubkey: string; d: string }>()
  for (const { target, floor } of tombstones) {
    if (target.type === 'event') ids.add(target.id)
    if (target.type === 'pubkey') pubkeys.add(target.pubkey)
    for (const at of target.type === 'address' ? [target, floor] : [floor])
      if (at !== null) addresses.set(`${at.kind}:${at.pubkey}:${at.d}`, at)
  }
  for (const keys of chunksOf([...ids], KEYS_PER_QUERY_MAX))
    yield {
      sql: `SELECT ${FACTS}, ${RECIPIENTS} FROM nostr_store.events WHERE id IN (SELECT unhex(arrayJoin({keys:Array(String)})))`,
      params: { keys },
    }
  for (const keys of chunksOf([...pubkeys], KEYS_PER_QUERY_MAX)) {
    yield {
      sql: `SELECT ${FACTS}, ${NO_RECIPIENTS} FROM nostr_store.event_authors
        WHERE pubkey IN (SELECT unhex(arrayJoin({keys:Array(String)})))`,
      params: { keys },
    }
    yield {
      sql: `SELECT ${FACTS}, [value] AS recipients FROM nostr_store.event_tags
        WHERE tag = 'p' AND value IN {keys:Array(String)} AND kind IN (1059, 21059)`,
      params: { keys },
    }
  }
  for (const at of chunksOf([...addresses.values()], ADDRESSES_PER_QUERY_MAX))
    yield {
      sql: `SELECT ${FACTS}, ${NO_RECIPIENTS} FROM nostr_store.events
        WHERE (kind, pubkey, d) IN (SELECT tupleElement(a, 1), unhex(tupleElement(a, 2)), tupleElement(a, 3)
          FROM (SELECT arrayJoin(arrayZip({kinds:Array(UInt16)}, {pubkeys:Array(String)}, {ds:Array(String)})) AS a))`,
      params: {
        kinds: at.map(({ kind }) => kind),
        pubkeys: at.map(({ pubkey }) => pubkey),
        ds: at.map(({ d }) => d),
      },
    }
}

function* chunksOf<T>(items: readonly T[], sizeMax: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += sizeMax) yield items.slice(from, from + sizeMax)
}
