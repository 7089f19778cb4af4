import { ViewReader, viewMapBytes } from '@millrace/event-store'
import { viewFolderOf } from '../config.ts'
import type { EdgeView, OpenEdgeView, ViewApplied } from '../view/edge-view.ts'
import type { PrimaryChannel } from './primary-channel.ts'

/** The edge's one view, which the primary has open and keeps up: a worker only reads it. */
export const sharedView =
  (primary: PrimaryChannel): OpenEdgeView =>
  async ({ config, tombstones }): Promise<EdgeView> => {
    const reader = ViewReader.attach(viewFolderOf(config), viewMapBytes(config.view), tombstones)
    const stopped = Promise.withResolvers<{ ok: true; value: undefined }>()
    let isServing = false
    let isOpen = true
    let tell: (view: ViewReader, applied: ViewApplied) => void = () => {}
    primary.onViewApplied((applied) => {
      isServing ||= applied.isServing
      if (!isOpen) return
      reader.refresh()
      tell(reader, applied)
    })
    // In the turn in which the file was opened: whatever the primary told before, this is the file it told of.
    primary.onViewMoved(async () => {
      if (isOpen) await reader.follow()
    })
    return {
      serving: () => (isServing && isOpen ? reader : null),
      ended: stopped.promise,
      start: (ends, onApplied) => {
        tell = onApplied
        return primary.startView(ends)
      },
      stored: (nextOffsets) => primary.send({ type: 'view-stored', nextOffsets }),
      settle: (settlements) => primary.send({ type: 'view-settle', settlements }),
      stop: async () => {
        isOpen = false
        await reader.close()
        stopped.resolve({ ok: true, value: undefined })
      },
    }
  }
