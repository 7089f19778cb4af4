import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ClickHouse } from '@millrace/clickhouse'
import { PlainFolderStore, RejectsStore, StoreRegistry } from '@millrace/erasure'
import { ViewStore } from '@millrace/event-store'
import { eventOfEnvelope, eventOfLetter, LogStore } from '@millrace/projection-deletion'
import { createClickHouseErasure } from '@millrace/projection-events'
import { TOPICS } from '@millrace/topics'

/** Topics without event data: settings, tombstones (which name what is gone, by design), and Kafka's own. */
const TOPICS_WITHOUT_EVENTS = [TOPICS.settings, TOPICS.tombstones, '__consumer_offsets', '__cluster_metadata']

/** Every store of event data that there is. A new one is registered here, or verification fails. */
export function storeRegistry(dataDir: string, logDirs: readonly string[], ch: ClickHouse): StoreRegistry {
  return new StoreRegistry()
    .register(
      new LogStore({
        name: 'log',
        topics: [TOPICS.events, TOPICS.ephemeral, ...TOPICS_WITHOUT_EVENTS],
        eventOf: eventOfEnvelope,
        logDirs,
      }),
    )
    .register(
      new LogStore({ name: 'dead letters', topics: [TOPICS.deadLetters], eventOf: eventOfLetter, logDirs }),
    )
    .register(createClickHouseErasure(ch))
    .register(
      new ViewStore({
        folder: join(dataDir, 'views'),
        open: null,
        pause: async () => void (await nextTurn()),
      }),
    )
    .register(new RejectsStore(dataDir))
    .register(new PlainFolderStore({ name: 'deletion state', dataDir, folders: ['deletion'] }))
    .register(new PlainFolderStore({ name: 'process logs', dataDir, folders: ['logs'] }))
}
