import type { ClickHouse } from '@millrace/clickhouse'
import { err, ok, type Result, transient } from '@millrace/kernel'
import type { ServedEvent } from '../event-reader.ts'
import { Parameters } from './parameters.ts'
import { rowsOf } from './rows.ts'
import { eventColumns } from './statement.ts'

/** Finds stored events by id: superseded, expired and guarded ones too. */
export async function lookUpStored(
  ch: ClickHouse,
  ids: readonly string[],
): Promise<Result<ReadonlyMap<string, ServedEvent>>> {
  if (ids.length === 0) return ok(new Map())
  const parameters = new Parameters()
  const wanted = parameters.addHexList(ids)
  const text = await ch.queryText(
    `SELECT ${eventColumns(0, '1')} FROM nostr_store.events AS e WHERE e.id IN ${wanted} LIMIT 1 BY e.id`,
    {
      name: 'lookup',
      params: parameters.values,
      settings: { output_format_json_escape_forward_slashes: 0, output_format_json_quote_64bit_integers: 0 },
    },
  )
  if (!text.ok) return text
  try {
    return ok(new Map(rowsOf(text.value).map((row) => [row.id, row])))
  } catch (cause) {
    return err(transient('clickhouse-unavailable', 'ClickHouse broke off its answer', cause))
  }
}
