import { err, transient } from '@millrace/kernel'
import type { BelowReader } from '@millrace/read-models'

/**
 * The store's reader, whose questions of admission fail at once while the store is known to be away: no EVENT waits for it. REQs
 * still try it.
 */
export function unlessAway(below: BelowReader, away: () => string | null): BelowReader {
  const refusal = () => {
    const why = away()
    return why === null ? null : err(transient('clickhouse-unavailable', why))
  }
  return {
    query: (filters, context) => below.query(filters, context),
    advance: (cursors, context) => below.advance(cursors, context),
    lookup: async (ids) => refusal() ?? below.lookup(ids),
    currentVersions: async (addresses) => refusal() ?? below.currentVersions(addresses),
  }
}
