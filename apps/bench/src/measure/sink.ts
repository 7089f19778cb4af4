import type { NostrEvent } from '@millrace/nostr'
import { until } from '@millrace/testkit'
import { metricSum, scrape } from '../target/scrape.ts'
import { partNamed, type Target } from '../target/target.ts'
import { measurePublish, type PublishResult } from './publish.ts'

export interface SinkResult {
  readonly rows: number
  readonly rowsPerSecond: number
}

const CATCH_UP_DEADLINE_MS = 300_000
const POLL_MS = 50

/**
 * How fast storage catches up: it is stopped while events pile up in the log, then started again. Timed from the first rows
 * written to the last, so that the start of the process does not count.
 */
export async function measureSink(
  target: Target,
  events: readonly NostrEvent[],
  onProgress: (done: number) => void,
): Promise<{ readonly publish: PublishResult; readonly sink: SinkResult } | null> {
  const { control, isOwn, relayUrl } = target
  if (control === null || !isOwn) return null
  await control('POST', '/parts/storage/stop')
  const publish = await measurePublish(relayUrl, { connections: 64, window: 32 }, events, onProgress)
  await control('POST', '/parts/storage/start')
  const { opsUrl } = await partNamed(control, 'storage')
  const written = async () => metricSum(await scrape(opsUrl ?? ''), 'ingestion_events_written_total')
  const first = await sampled(written, (rows) => rows > 0)
  const last = await sampled(written, (rows) => rows >= publish.accepted)
  const [rows, seconds] = [last.rows - first.rows, (last.atMs - first.atMs) / 1000]
  return { publish, sink: { rows, rowsPerSecond: seconds > 0 ? rows / seconds : 0 } }
}

const sampled = (read: () => Promise<number>, reached: (rows: number) => boolean) =>
  until(
    async () => {
      const rows = await read()
      return reached(rows) ? { rows, atMs: performance.now() } : null
    },
    { deadlineMs: CATCH_UP_DEADLINE_MS, intervalMs: POLL_MS, what: 'storage to catch up' },
  )

/** Waits until ClickHouse answers for everything published: the edge holds nothing in its overlay any more. */
export async function untilStored({ control }: Target): Promise<void> {
  if (control === null) return
  const { opsUrl } = await partNamed(control, 'edge-1')
  await until(async () => metricSum(await scrape(opsUrl ?? ''), 'relay_overlay_events') === 0, {
    deadlineMs: CATCH_UP_DEADLINE_MS,
    intervalMs: POLL_MS,
    what: 'the overlay of edge-1 to be empty',
  })
}
