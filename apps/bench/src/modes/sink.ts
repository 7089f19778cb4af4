import { until } from '@millrace/testkit'
import { publishRange } from '../load/publish-range.ts'
import type { Control } from '../target/control.ts'
import { partNamed } from '../target/control.ts'
import { metricSum, scrape } from '../target/scrape.ts'
import { type Mode, type ModeContext, type Row, scaled } from './mode.ts'

const EVENTS = 30_000
const LOAD = { connections: 64, window: 32 } as const
const CATCH_UP_DEADLINE_MS = 300_000
const POLL_MS = 50

/** Only on a stack of our own: its storage is stopped and started. */
export const sinkModes: readonly Mode[] = [
  {
    name: 'sink',
    poolEvents: (sizes) => scaled(EVENTS, sizes),
    isFor: ({ isOwn, control }) => isOwn && control !== null,
    measure: (context) => measureSink(context),
  },
]

/**
 * How fast storage catches up: it is stopped while events pile up in the log, then started again. Timed from the first rows
 * written to the last, so that the start of the process does not count.
 */
async function measureSink({ target, corpus, range }: ModeContext): Promise<readonly Row[]> {
  const control = target.control as Control
  await control('POST', '/parts/storage/stop')
  await publishRange(target.url, corpus, range, LOAD)
  const startedMs = performance.now()
  await control('POST', '/parts/storage/start')
  const { opsUrl } = await partNamed(control, 'storage')
  const written = async () => metricSum(await scrape(opsUrl ?? ''), 'ingestion_events_written_total')
  const first = await sampled(written, (rows) => rows > 0)
  const last = await sampled(written, (rows) => rows >= range.to - range.from)
  // Few enough to be there at the first look: then the start of the process counts too.
  const begin = first.rows === last.rows ? { rows: 0, atMs: startedMs } : first
  const [count, seconds] = [last.rows - begin.rows, (last.atMs - begin.atMs) / 1000]
  return [
    {
      what: 'sink: log → ClickHouse',
      rate: count / seconds,
      unit: 'rows/s',
      timesMs: null,
      counts: { rows: count },
      cpu: null,
    },
  ]
}

const sampled = (read: () => Promise<number>, reached: (rows: number) => boolean) =>
  until(
    async () => {
      const rows = await read()
      return reached(rows) ? { rows, atMs: performance.now() } : null
    },
    { deadlineMs: CATCH_UP_DEADLINE_MS, intervalMs: POLL_MS, what: 'storage to catch up' },
  )
