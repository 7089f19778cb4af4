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
  async ({ config, logId, partitionCount, log }): Promise<EdgeView> => {
    const tombstones = new TombstoneSet()
    const view = await openView(viewFolderOf(config), config.view, logId, tombstones, log)
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
      // The only reader is the view itself.
      follow: async () => {},
      onApplied: (applied) => tell(applied),
    })
    return {
      serving: () => (feed.isServing ? view : null),
      ended: feed.ended,
      start: (ends, onApplied) => {
        tell = (applied) => onApplied(view, applied)
        return feed.start(ends)
      },
      stored: (nextOffsets) => feed.stored(nextOffsets),
      settle: (settlements) => feed.settle(settlements),
      stop: () => feed.stop(),
    }
  }
