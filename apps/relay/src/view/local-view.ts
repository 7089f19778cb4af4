import { ViewReader, viewMapBytes } from '@millrace/event-store'
import type { Log } from '@millrace/kafka'
import type { Clock } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import { viewFolderOf } from '../config.ts'
import type { EdgeView, OpenEdgeView, ViewApplied } from './edge-view.ts'
import { openView } from './open-view.ts'
import { ViewFeed } from './view-feed.ts'

/** Few, because the thread that applies them also answers clients. */
const TRANSACTION_EVENTS_MAX = 100

/** Keeps the view up in the edge's own thread, from any log: for logs that live in this thread. */
export const localView =
  (kafka: Log, clock: Clock): OpenEdgeView =>
  async ({ config, logId, partitionCount, log, tombstones: known }): Promise<EdgeView> => {
    const tombstones = new TombstoneSet()
    const view = await openView(viewFolderOf(config), config.view, logId, tombstones, log)
    // The edge knows erasures that the feed has not met, as with a view in a thread of its own.
    const reader = ViewReader.attach(viewFolderOf(config), viewMapBytes(config.view), known)
    let tell: (applied: ViewApplied) => void = () => {}
    const feed = new ViewFeed({
      kafka,
      edgeId: config.edge.id,
      view,
      tombstones,
      partitionCount,
      clock,
      log,
      transactionEventsMax: TRANSACTION_EVENTS_MAX,
      fill: null,
      erasureDeadlineS: config.erasure.deadlineS,
      follow: () => reader.follow(),
      onApplied: (applied) => tell(applied),
    })
    return {
      serving: () => {
        if (!feed.isServing) return null
        reader.refresh()
        return reader
      },
      ended: feed.ended,
      start: (ends, onApplied) => {
        tell = (applied) => {
          reader.refresh()
          onApplied(reader, applied)
        }
        return feed.start(ends)
      },
      stored: (nextOffsets) => feed.stored(nextOffsets),
      settle: (settlements) => feed.settle(settlements),
      stop: async () => {
        await reader.close()
        await feed.stop()
      },
    }
  }
