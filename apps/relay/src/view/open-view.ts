import { ServingView } from '@millrace/event-store'
import type { KafkaLogger } from '@millrace/kafka'
import { FaultError, fatal } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { RelayConfig } from '../config.ts'

const WHY = {
  format: 'another format',
  log: 'another log',
  boot: 'a machine that stopped before it was on disk',
} as const

/** Opens a view for writing, empty where the old one cannot be trusted. Throws FaultError(configuration-invalid). */
export async function openView(
  folder: string,
  bounds: RelayConfig['view'],
  logId: string,
  tombstones: TombstoneSet,
  log: KafkaLogger,
): Promise<ServingView> {
  try {
    const view = await ServingView.open({ folder, logId, bounds, tombstones })
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
