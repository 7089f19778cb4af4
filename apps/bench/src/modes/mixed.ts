import { Deliveries } from '../load/deliveries.ts'
import { subscribeAll } from '../load/live-subscribers.ts'
import { prepareRequests } from '../load/prepared-requests.ts'
import { runRequests } from '../load/request-run.ts'
import { SteadyWriter } from '../load/steady-writer.ts'
import { collectGarbage } from '../meter/collect-garbage.ts'
import { type CpuShares, meterCpu } from '../meter/cpu-meter.ts'
import { checkAnswers } from './checked.ts'
import { FilterSource, type Shape } from './filter-source.ts'
import { liveFilter } from './live-filter.ts'
import { type Mode, type ModeContext, pidsOf, type Row, type Sizes } from './mode.ts'
import { SHAPES } from './shapes.ts'

const SUBSCRIBERS = 100
const ASKING_CONNECTIONS = 8
const WRITES_PER_SECOND = 200
const REQUESTS_PER_SECOND_MAX = 4_000
const SILENCE_MS = 3_000

/** Everything at once: 200 writes a second, each to 100 subscribers, while 8 connections ask in all shapes. */
export const mixedModes: readonly Mode[] = [
  { name: 'mixed', poolEvents: mixedEvents, measure: (context) => measureMixed(context) },
]

function mixedEvents({ seconds }: Sizes): number {
  return Math.ceil(seconds * 1.3 * WRITES_PER_SECOND)
}

/** All shapes in turn but the 300 authors: a client asks that once, when it starts. */
const everyShape: Shape = (draw) => {
  const shapes = Object.entries(SHAPES).filter(([name]) => name !== 'feed')
  return draw.oneOf(shapes)[1].shape(draw)
}

async function measureMixed(context: ModeContext): Promise<readonly Row[]> {
  const { target, corpus, oracle, range, sizes, seed } = context
  const source = new FilterSource(everyShape, corpus, oracle, seed)
  const filters = source.take(Math.ceil(sizes.seconds * REQUESTS_PER_SECOND_MAX))
  const prepared = prepareRequests(filters, ASKING_CONNECTIONS)
  const deliveries = new Deliveries(corpus, range, SUBSCRIBERS)
  let failure: Error | null = null
  const subscribers = await subscribeAll(
    target.url,
    Array.from({ length: SUBSCRIBERS }, () => liveFilter(corpus)),
    (subscriber, key, nowMs) => deliveries.arrived(subscriber, key, nowMs),
    (cause) => {
      failure ??= cause
    },
  )
  const onSend = (index: number) => deliveries.sent({ from: index, to: index + 1 })
  const writer = new SteadyWriter(target.url, corpus, range, { eventsPerSecond: WRITES_PER_SECOND, onSend })
  const pids = await pidsOf(target)
  collectGarbage()
  await writer.start()
  const cpu = meterCpu(pids)
  const asked = await runRequests(target.url, prepared, { seconds: sizes.seconds, presence: () => writer })
  const shares = cpu()
  await writer.stop()
  const written = writer.sentBefore - range.from
  await deliveries.settled(written, SILENCE_MS)
  const lost = written * SUBSCRIBERS - deliveries.count
  for (const socket of subscribers) socket.close()
  if (failure !== null) throw failure
  const checked = checkAnswers(context, asked.answers)
  await writer.flushRest()
  return rows({ asked, writer, deliveries, lost, checked, shares })
}

interface Mixed {
  readonly asked: Awaited<ReturnType<typeof runRequests>>
  readonly writer: SteadyWriter
  readonly deliveries: Deliveries
  readonly lost: number
  readonly checked: number
  readonly shares: CpuShares
}

const rows = ({ asked, writer, deliveries, lost, checked, shares }: Mixed): readonly Row[] => [
  {
    what: `mixed: REQ ${ASKING_CONNECTIONS}×1, all shapes`,
    rate: asked.requests / asked.seconds,
    unit: 'REQs/s',
    timesMs: asked.eoseMs,
    counts: { eventsPerRequest: asked.events / asked.requests, checked },
    cpu: shares,
  },
  {
    what: `mixed: publish ${WRITES_PER_SECOND}/s`,
    rate: writer.eventsPerSecond,
    unit: 'events/s',
    timesMs: writer.timesMs,
    counts: {},
    cpu: null,
  },
  {
    what: `mixed: live to ${SUBSCRIBERS}`,
    rate: deliveries.count / asked.seconds,
    unit: 'deliveries/s',
    timesMs: deliveries.timesMs,
    counts: { lost, doubles: deliveries.doubles },
    cpu: null,
  },
]
