import { readWatermarks } from '@millrace/clickhouse'
import { delayMs, unwrap } from '@millrace/kernel'
import { TOPICS } from '@millrace/topics'
import type { CtlConfig } from '../config.ts'
import { withAdmin, withClickHouse, withLog } from '../stack/connections.ts'
import type { Console } from '../terminal/console.ts'
import { CommandFailure } from '../terminal/exit.ts'
import { startProgress } from '../terminal/progress.ts'

const POLL_INTERVAL_MS = 200
/** The sink of apps/storage, as its watermarks name it. */
export const STORAGE_SINK = 'storage'

/** Waits until storage's watermarks have reached the ends that nostr.events has now. */
export async function waitUntilStored(
  config: CtlConfig,
  console: Console,
  signal: AbortSignal,
): Promise<void> {
  const ends = await withLog(config, (log) => withAdmin(log, (admin) => admin.offsets(TOPICS.events)))
  await withClickHouse(config, 'maintenance', async (ch) => {
    const lag = async () => {
      const watermarks = unwrap(await readWatermarks(ch, STORAGE_SINK, TOPICS.events))
      return ends.reduce(
        (sum, { partition, earliest, end }) =>
          sum + Math.max(0, end - Math.max(earliest, watermarks.get(partition)?.nextOffset ?? 0)),
        0,
      )
    }
    const total = await lag()
    if (total === 0) return
    const progress = startProgress({ noun: 'records stored', total, stream: console.err })
    try {
      for (let rest = total; rest > 0; rest = await lag()) {
        progress.update(total - rest, total - rest)
        await delayMs(POLL_INTERVAL_MS, signal)
        if (signal.aborted) throw new CommandFailure('interrupted; all is in the log, and storage goes on')
      }
      progress.update(total, total)
    } finally {
      progress.stop()
    }
  })
}
