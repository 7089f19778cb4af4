import type { ClickHouse } from '@millrace/clickhouse'
import { err, type Fault, ok, type Result, transient } from '@millrace/kernel'
import type { Position } from '../position.ts'
import { Parameters } from '../sql/parameters.ts'
import type { Address } from '../sql/statement.ts'
import type { EventBody, EventKey } from './event-body.ts'

// The answer is held in memory as text: a page of very large events is refused and asked for again in smaller pages.
const ANSWER_BYTES_MAX = 48 * 1024 * 1024

/** Whether a smaller page may succeed where this one failed. */
export const isTooLarge = (fault: Fault): boolean =>
  fault.code === 'clickhouse-refused' && fault.message.includes('TOO_MANY_ROWS_OR_BYTES')

/**
 * The seven fields come first, in NIP-01's order, so that a row of JSONEachRow up to `sig` is the event's JSON and nothing
 * has to be parsed.
 */
const COLUMNS = `lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at, e.kind AS kind,
  e.tags AS tags, e.content AS content, lower(hex(e.sig)) AS sig,
  e.expiration AS expiration, e.log_partition AS log_partition, e.log_offset AS log_offset`

/** Reads events by key. Keys without a row are missing from the answer. */
export function readBodies(
  ch: ClickHouse,
  keys: readonly EventKey[],
  signal: AbortSignal,
): Promise<Result<EventBody[]>> {
  const parameters = new Parameters()
  const tuples = [
    parameters.array(
      'UInt16',
      keys.map((key) => key.kind),
    ),
    parameters.hexArray(keys.map((key) => key.pubkey)),
    parameters.array(
      'UInt64',
      keys.map((key) => key.createdAt),
    ),
    parameters.hexArray(keys.map((key) => key.id)),
  ]
  const where = `(e.kind, e.pubkey, e.created_at, e.id) IN (SELECT arrayJoin(arrayZip(${tuples.join(', ')})))`
  return read(ch, `SELECT ${COLUMNS} FROM nostr_store.events AS e WHERE ${where}`, parameters, signal)
}

/** Finds events by id: superseded, expired and guarded ones too. */
export function findBodies(
  ch: ClickHouse,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Result<EventBody[]>> {
  const parameters = new Parameters()
  const where = `e.id IN ${parameters.inHexList(ids)}`
  return read(ch, `SELECT ${COLUMNS} FROM nostr_store.events AS e WHERE ${where}`, parameters, signal)
}

/** Versions in one answer about an address. */
const OLDER_VERSIONS_MAX = 50

/** Versions of an address older than a position, newest first, superseded and expired ones too; some of them at a time. */
export function findOlderVersions(
  ch: ClickHouse,
  { kind, pubkey, d }: Address,
  before: Position,
  signal: AbortSignal,
): Promise<Result<EventBody[]>> {
  const parameters = new Parameters()
  const second = parameters.add('UInt64', before.createdAt)
  const where = `e.kind IN ${parameters.inList('UInt16', [kind])} AND e.pubkey = ${parameters.hex(pubkey)}
    AND e.d IN ${parameters.inList('String', [d])} AND e.created_at <= ${second}
    AND (e.created_at < ${second} OR e.id > ${parameters.hex(before.id)})`
  // Before a merge an event may be there more than once: its last copy comes first.
  const order = 'ORDER BY e.created_at DESC, e.id ASC, e.log_offset DESC'
  const sql = `SELECT ${COLUMNS} FROM nostr_store.events AS e WHERE ${where} ${order} LIMIT ${OLDER_VERSIONS_MAX}`
  return read(ch, sql, parameters, signal)
}

async function read(
  ch: ClickHouse,
  sql: string,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<Result<EventBody[]>> {
  const text = await ch.queryText(sql, {
    name: 'events_read',
    params: parameters.values,
    signal,
    settings: {
      max_result_bytes: String(ANSWER_BYTES_MAX),
      result_overflow_mode: 'throw',
      // Held back until its end, so that a refusal comes as one and not as a broken connection.
      wait_end_of_query: 1,
      http_response_buffer_size: String(ANSWER_BYTES_MAX),
      output_format_json_escape_forward_slashes: 0,
      output_format_json_quote_64bit_integers: 0,
    },
  })
  if (!text.ok) return text
  try {
    return ok(bodiesOf(text.value))
  } catch (cause) {
    return err(transient('clickhouse-unavailable', 'ClickHouse broke off its answer', cause))
  }
}

// {"id":"<64>","pubkey":"<64>","created_at":…
const ID_AT = 7
const PUBKEY_AT = ID_AT + 64 + 12
const HEAD = /^\{"id":"[0-9a-f]{64}","pubkey":"[0-9a-f]{64}","created_at":(\d+),"kind":(\d+),/
const TAIL = /,"expiration":(\d+),"log_partition":(\d+),"log_offset":(\d+)\}$/

/** Throws when a line is no whole row: the answer broke off. */
export function bodiesOf(text: string): EventBody[] {
  const bodies: EventBody[] = []
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from)
    if (end === -1) throw new Error('the answer of ClickHouse ends in the middle of a row')
    if (end > from) bodies.push(bodyOf(text.slice(from, end)))
    from = end + 1
  }
  return bodies
}

function bodyOf(line: string): EventBody {
  const head = HEAD.exec(line)
  const tailAt = line.lastIndexOf(',"expiration":')
  const tail = TAIL.exec(line.slice(tailAt))
  if (head === null || tail === null) throw new Error('the answer of ClickHouse holds a line that is no row')
  const expirationS = Number(tail[1])
  return {
    id: ownCopy(line.slice(ID_AT, ID_AT + 64)),
    pubkey: ownCopy(line.slice(PUBKEY_AT, PUBKEY_AT + 64)),
    createdAt: Number(head[1]),
    kind: Number(head[2]),
    json: ownCopy(`${line.slice(0, tailAt)}}`),
    expirationS: expirationS === 0 ? null : expirationS,
    partition: Number(tail[2]),
    offset: Number(tail[3]),
  }
}

/** A slice keeps the whole answer alive; what stays in a cache must not. */
const ownCopy = (slice: string): string => Buffer.from(slice).toString()
