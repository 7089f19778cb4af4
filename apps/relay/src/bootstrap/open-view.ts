import { ServingView } from '@millrace/event-store'
import { FaultError, fatal } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { Logger } from '@millrace/observability'
import { type RelayConfig, viewFolderOf } from '../config.ts'

const WHY = {
  format: 'another format',
  log: 'another log',
  boot: 'a machine that stopped before it was on disk',
} as const

/** Opens the edge's view, empty where the old one cannot be trusted. Throws FaultError(configuration-invalid). */
export async function openView(
  config: Pick<RelayConfig, 'edge' | 'process' | 'view'>,
  logId: string,
  tombstones: TombstoneSet,
  log: Logger,
): Promise<ServingView> {
  const folder = viewFolderOf(config)
  try {
    const view = await ServingView.open({ folder, logId, bounds: config.view, tombstones })
    if (view.dropped !== null)
      log.warn({ folder }, `the serving view was of ${WHY[view.dropped]}: it is filled anew`)
    return view
  } catch (cause) {
    throw new FaultError(
      fatal(
        'configuration-invalid',
        `the serving view in ${folder} cannot be opened: ${String(cause)}`,
        cause,
      ),
    )
  }
}
