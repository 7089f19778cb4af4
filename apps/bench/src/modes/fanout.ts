import { delayMs } from '@millrace/kernel'
import { Deliveries } from '../load/deliveries.ts'
import { ensurePresent } from '../load/ensure-present.ts'
import { subscribeAll } from '../load/live-subscribers.ts'
import { publishRange } from '../load/publish-range.ts'
import { SteadyWriter } from '../load/steady-writer.ts'
import { collectGarbage } from '../meter/collect-garbage.ts'
import { meterCpu } from '../meter/cpu-meter.ts'
import { liveFilter } from './live-filter.ts'
import { type Mode, type ModeContext, pidsOf, type Row, type Sizes, scaled } from './mode.ts'

interface FanoutLoad {
  readonly subscribers: number
  /** Null: as fast as they are acknowledged, a window of them under way. */
  readonly eventsPerSecond: number | null
}

const STEADY = { subscribers: 1_000, eventsPerSecond: 20 } as const
const FLAT_OUT = { subscribers: 100, eventsPerSecond: null, events: 4_000 } as const
/** One publisher, like one busy client. */
const FLAT_OUT_LOAD = { connections: 1, window: 32 } as const
/** What has not arrived after so long without any arrival is lost. */
const SILENCE_MS = 3_000
/** A steady rate is measured for longer than a REQ: it has few events a second. */
const STEADY_FACTOR = 2

export const fanoutModes: readonly Mode[] = [
  {
    name: 'fanout-100',
    poolEvents: (sizes) => scaled(FLAT_OUT.events, sizes),
    measure: (context) => measureFanout(context, { ...FLAT_OUT, eventsPerSecond: null }),
  },
  {
    name: 'fanout-1000',
    poolEvents: steadyEvents,
    measure: (context) =>
      measureFanout(context, { ...STEADY, subscribers: scaled(STEADY.subscribers, context.sizes) }),
  },
]

function steadyEvents({ seconds }: Sizes): number {
  return Math.ceil(seconds * STEADY_FACTOR * STEADY.eventsPerSecond)
}

async function measureFanout(context: ModeContext, load: FanoutLoad): Promise<readonly Row[]> {
  const { target, corpus, range } = context
  const deliveries = new Deliveries(corpus, range, load.subscribers)
  let failure: Error | null = null
  const subscribers = await subscribeAll(
    target.url,
    Array.from({ length: load.subscribers }, () => liveFilter(corpus)),
    (subscriber, key, nowMs) => deliveries.arrived(subscriber, key, nowMs),
    (cause) => {
      failure ??= cause
    },
  )
  const pids = await pidsOf(target)
  collectGarbage()
  const cpu = meterCpu(pids)
  const startedMs = performance.now()
  const refused = await publish(context, load, deliveries)
  await deliveries.settled(range.to - range.from, SILENCE_MS)
  const lost = (range.to - range.from) * load.subscribers - deliveries.count
  const seconds = (performance.now() - startedMs - (lost > 0 ? SILENCE_MS : 0)) / 1000
  const shares = cpu()
  for (const socket of subscribers) socket.close()
  if (failure !== null) throw failure
  const pace = load.eventsPerSecond === null ? 'flat out' : `${load.eventsPerSecond} events/s`
  return [
    {
      what: `fanout to ${load.subscribers.toLocaleString('en-US')}, ${pace}`,
      rate: deliveries.count / seconds,
      unit: 'deliveries/s',
      timesMs: deliveries.timesMs,
      counts: { lost, doubles: deliveries.doubles, refused },
      cpu: shares,
    },
  ]
}

/** Publishes the range; answers how many were refused. */
async function publish(
  { target, corpus, range }: ModeContext,
  { eventsPerSecond }: FanoutLoad,
  deliveries: Deliveries,
): Promise<number> {
  if (eventsPerSecond === null) {
    const onSend = (sent: typeof range) => deliveries.sent(sent)
    const published = await publishRange(target.url, corpus, range, FLAT_OUT_LOAD, { onSend })
    if (published.duplicates > 0) throw new Error(`the relay had the events already: ${published.remark}`)
    if (published.refused > 0) await ensurePresent(target.url, corpus, range)
    return published.refused
  }
  const onSend = (index: number) => deliveries.sent({ from: index, to: index + 1 })
  const writer = new SteadyWriter(target.url, corpus, range, { eventsPerSecond, onSend })
  await writer.start()
  while (!writer.isOver) await delayMs(5)
  await writer.stop()
  return 0
}
