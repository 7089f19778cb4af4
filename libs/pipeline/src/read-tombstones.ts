import { decodeTombstone } from '@millrace/codec'
import type { Log } from '@millrace/kafka'
import { TombstoneSet } from '@millrace/nostr'
import { isTickKey, TOPICS } from '@millrace/topics'

/** All tombstones of the log as of now, for a tool that runs once. Undecodable records are left to the consumers. */
export async function readTombstones(log: Log): Promise<TombstoneSet> {
  const tombstones = new TombstoneSet()
  await log.readToEnd(TOPICS.tombstones, ({ records }) => {
    for (const { key, value } of records) {
      if (value === null || isTickKey(key)) continue
      const tombstone = decodeTombstone(value)
      if (tombstone.ok) tombstones.apply(tombstone.value)
    }
  })
  return tombstones
}
