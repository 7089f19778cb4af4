import type { ClickHouse } from '@millrace/clickhouse'
import { type ErasureSubject, TRACES_MAX, type Trace, type Verification } from '@millrace/erasure'
import { ok, type Result } from '@millrace/kernel'
import { EVENT_TABLES } from './event-tables.ts'

const STORE = 'clickhouse'
// Rows that a lightweight DELETE has only marked are there all the same.
const SETTINGS = { apply_deleted_mask: '0', max_threads: 1 } as const
const NAME = { name: 'erasure_verify', settings: SETTINGS } as const

interface Found {
  readonly part: string
  readonly rows: number
}

/** Looks through every part of every table with rows of events: what can be read by its rows, what cannot by its being there. */
export async function tracesOf(ch: ClickHouse, subject: ErasureSubject): Promise<Result<Verification>> {
  const traces: Trace[] = []
  let rows = 0
  for (const table of EVENT_TABLES) {
    const counted = await ch.query<{ rows: number }>(
      `SELECT toUInt64(count()) AS rows FROM nostr_store.${table}`,
      NAME,
    )
    if (!counted.ok) return counted
    rows += Number(counted.value[0]?.rows ?? 0)
    const found = await rowsIn(ch, table, subject)
    if (!found.ok) return found
    for (const { part, rows: count } of found.value)
      traces.push({ store: STORE, place: `nostr_store.${table} part ${part}`, what: `${count} rows` })
  }
  const leftover = await partsOnTheirWayOut(ch)
  if (!leftover.ok) return leftover
  for (const { table, name } of leftover.value)
    traces.push({ store: STORE, place: `nostr_store.${table} part ${name}`, what: 'part not removed yet' })
  const examined = `${EVENT_TABLES.length} tables, ${rows} rows, and parts on their way out`
  return ok({ traces: traces.slice(0, TRACES_MAX), examined, notVerifiable: null })
}

async function rowsIn(
  ch: ClickHouse,
  table: (typeof EVENT_TABLES)[number],
  subject: ErasureSubject,
): Promise<Result<readonly Found[]>> {
  const conditions = conditionsOf(table, subject)
  if (conditions.length === 0) return ok([])
  const { target, needles } = subject
  const params = {
    id: target.type === 'event' ? target.id : '',
    pubkey: target.type === 'event' ? '' : target.pubkey,
    until: target.type === 'event' ? 0 : target.untilS,
    kind: target.type === 'address' ? target.kind : 0,
    d: target.type === 'address' ? target.d : '',
    needles,
  }
  return ch.query<Found>(
    `SELECT _part AS part, toUInt64(count()) AS rows FROM nostr_store.${table}
     WHERE ${conditions.map((condition) => `(${condition})`).join(' OR ')} GROUP BY part LIMIT ${TRACES_MAX}`,
    { ...NAME, params },
  )
}

const WITH_CONTENT: ReadonlySet<string> = new Set(['events', 'winners'])
const WITH_KIND: ReadonlySet<string> = new Set(EVENT_TABLES)
const WITH_D: ReadonlySet<string> = new Set([
  'events',
  'winners',
  'event_tags',
  'event_authors',
  'expiring_versions',
])

function conditionsOf(table: string, { target, needles }: ErasureSubject): readonly string[] {
  const conditions: string[] = []
  if (target.type === 'event' && target.id !== '') conditions.push('id = unhex({id:String})')
  if (target.type === 'pubkey') {
    conditions.push('pubkey = unhex({pubkey:String}) AND created_at <= {until:UInt64} AND kind != 62')
    if (table === 'event_tags')
      conditions.push(
        "tag = 'p' AND value = {pubkey:String} AND kind IN (1059, 21059) AND created_at <= {until:UInt64}",
      )
    if (WITH_CONTENT.has(table))
      conditions.push(
        "kind IN (1059, 21059) AND created_at <= {until:UInt64} AND arrayExists(t -> t[1] = 'p' AND t[2] = {pubkey:String}, tags)",
      )
  }
  if (target.type === 'address' && WITH_KIND.has(table) && WITH_D.has(table))
    conditions.push(
      'kind = {kind:UInt16} AND pubkey = unhex({pubkey:String}) AND d = {d:String} AND created_at <= {until:UInt64}',
    )
  if (needles.length > 0 && WITH_CONTENT.has(table))
    conditions.push(
      'arrayExists(n -> position(content, n) > 0 OR arrayExists(t -> arrayExists(v -> position(v, n) > 0, t), tags), {needles:Array(String)})',
    )
  if (needles.length > 0 && table === 'event_tags')
    conditions.push('arrayExists(n -> position(value, n) > 0, {needles:Array(String)})')
  return conditions
}

/**
 * They cannot be read any more, so each of them may hold what was erased, unless it was made after the last mutation: its data version
 * is then not below that one's block number.
 */
export async function partsOnTheirWayOut(
  ch: ClickHouse,
): Promise<Result<readonly { readonly table: string; readonly name: string }[]>> {
  return ch.query<{ name: string; table: string }>(
    `SELECT table, name FROM system.parts AS p
     LEFT JOIN (
       SELECT table, max(arrayMax(block_numbers.number)) AS erased_at FROM system.mutations
       WHERE database = 'nostr_store' GROUP BY table
     ) AS m ON m.table = p.table
     WHERE database = 'nostr_store' AND p.table IN {tables:Array(String)} AND NOT active AND data_version < m.erased_at
     UNION ALL
     SELECT table, name FROM system.detached_parts WHERE database = 'nostr_store' AND table IN {tables:Array(String)}
     LIMIT ${TRACES_MAX}`,
    { params: { tables: [...EVENT_TABLES] }, name: 'erasure_verify' },
  )
}
