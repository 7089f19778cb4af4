import { ensurePresent } from '../load/ensure-present.ts'
import { type PublishLoad, publishRange } from '../load/publish-range.ts'
import { collectGarbage } from '../meter/collect-garbage.ts'
import { meterCpu } from '../meter/cpu-meter.ts'
import { Latencies } from '../stats/latency.ts'
import { type Mode, type ModeContext, pidsOf, type Row, scaled } from './mode.ts'

/** Each with as many events as take some seconds on a good relay. */
const LOADS: readonly (PublishLoad & { readonly events: number })[] = [
  { connections: 1, window: 1, events: 2_000 },
  { connections: 16, window: 1, events: 8_000 },
  { connections: 64, window: 1, events: 10_000 },
  { connections: 1, window: 32, events: 10_000 },
  { connections: 16, window: 32, events: 20_000 },
  { connections: 64, window: 32, events: 20_000 },
]

export const publishModes: readonly Mode[] = LOADS.map(({ events, ...load }) => ({
  name: `publish-${load.connections}x${load.window}`,
  poolEvents: (sizes) => scaled(events, sizes),
  measure: (context) => measurePublish(context, load),
}))

async function measurePublish(context: ModeContext, load: PublishLoad): Promise<readonly Row[]> {
  const { target, corpus, range } = context
  const latencies = new Latencies()
  collectGarbage()
  const cpu = meterCpu(await pidsOf(target))
  const published = await publishRange(target.url, corpus, range, load, { latencies })
  const shares = cpu()
  if (published.duplicates > 0) throw new Error(`the relay had the events already: ${published.remark}`)
  if (published.refused > 0) await ensurePresent(target.url, corpus, range)
  return [
    {
      what: `publish ${load.connections}×${load.window}`,
      rate: published.accepted / published.seconds,
      unit: 'events/s',
      timesMs: latencies.percentiles(),
      counts: { refused: published.refused },
      cpu: shares,
    },
  ]
}
