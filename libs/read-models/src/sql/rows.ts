import type { ServedEvent } from '../event-reader.ts'

/** One row of a statement. */
export interface StoreRow extends ServedEvent {
  readonly part: number
  /** 0, 1, MARKER or VERSION. */
  readonly shown: number
}

// {"id":"<64>","pubkey":"<64 or none>","created_at":…
const ID_AT = 7
const PUBKEY_AT = ID_AT + 64 + 12
const HEAD = /^\{"id":"[0-9a-f]{64}","pubkey":"(?:[0-9a-f]{64})?","created_at":(\d+),"kind":(\d+),/
const TAIL = /,"part":(\d+),"shown":(\d),"log_partition":(\d+),"log_offset":(\d+)\}$/

/**
 * Reads the rows of a JSONEachRow answer without parsing them: the text up to `sig` is the event as it is served.
 * Throws when a line is no whole row: the answer broke off.
 */
export function rowsOf(text: string): StoreRow[] {
  const rows: StoreRow[] = []
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from)
    if (end === -1) throw new Error('the answer of ClickHouse ends in the middle of a row')
    if (end > from) rows.push(rowOf(text.slice(from, end)))
    from = end + 1
  }
  return rows
}

function rowOf(line: string): StoreRow {
  const head = HEAD.exec(line)
  const tailAt = line.lastIndexOf(',"part":')
  const tail = TAIL.exec(line.slice(tailAt))
  if (head === null || tail === null) throw new Error('the answer of ClickHouse holds a line that is no row')
  return {
    id: line.slice(ID_AT, ID_AT + 64),
    pubkey: line.slice(PUBKEY_AT, PUBKEY_AT + 64),
    createdAt: Number(head[1]),
    kind: Number(head[2]),
    json: `${line.slice(0, tailAt)}}`,
    part: Number(tail[1]),
    shown: Number(tail[2]),
    partition: Number(tail[3]),
    offset: Number(tail[4]),
  }
}
