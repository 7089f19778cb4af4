import { prepareRequests } from '../load/prepared-requests.ts'
import { runRequests } from '../load/request-run.ts'
import { SteadyWriter } from '../load/steady-writer.ts'
import { collectGarbage } from '../meter/collect-garbage.ts'
import { meterCpu } from '../meter/cpu-meter.ts'
import { checkAnswers } from './checked.ts'
import { FilterSource, type Shape } from './filter-source.ts'
import { type Mode, type ModeContext, pidsOf, type Row, type Sizes } from './mode.ts'
import { SHAPES } from './shapes.ts'

const CONNECTIONS = [1, 16] as const
const CONNECTIONS_BESIDE_WRITES = 16
const WRITES_PER_SECOND = 500

/** Before the clock starts: tells how many filters the run will need, and lets both sides warm up. */
const WARM_UP_SECONDS = 0.5
const WARM_UP_REQUESTS = 1_000
/** Of the warm-up's rate: a run that is faster still ends when its filters are used up. */
const HEADROOM = 1.5
const REQUESTS_MIN = 200
const REQUESTS_MAX = 100_000

/** What the time does not suffice for is flushed afterwards: the next mode finds both relays alike. */
const besideEvents = ({ seconds }: Sizes): number => Math.ceil(seconds * 1.3 * WRITES_PER_SECOND)

export const requestModes: readonly Mode[] = CONNECTIONS.flatMap((connections) =>
  Object.entries(SHAPES).map(
    ([name, { what, shape }]): Mode => ({
      name: `req-${name}-c${connections}`,
      poolEvents: () => 0,
      measure: async (context) => [
        await measureRequests(context, shape, {
          label: `REQ ${connections}×1: ${what}`,
          connections,
          writer: null,
        }),
      ],
    }),
  ),
)

export const requestModesBesideWrites: readonly Mode[] = Object.entries(SHAPES).map(
  ([name, { what, shape }]): Mode => ({
    name: `reqw-${name}`,
    poolEvents: besideEvents,
    measure: (context) => measureBesideWrites(context, what, shape),
  }),
)

async function measureBesideWrites(
  context: ModeContext,
  what: string,
  shape: Shape,
): Promise<readonly Row[]> {
  const { target, corpus, range } = context
  const writer = new SteadyWriter(target.url, corpus, range, { eventsPerSecond: WRITES_PER_SECOND })
  const label = `REQ ${CONNECTIONS_BESIDE_WRITES}×1 beside ${WRITES_PER_SECOND} writes/s: ${what}`
  const load = { label, connections: CONNECTIONS_BESIDE_WRITES, writer }
  const row = await measureRequests(context, shape, load)
  await writer.flushRest()
  const writes = { writesPerSecond: writer.eventsPerSecond, writeAckP99Ms: writer.timesMs.p99 }
  return [{ ...row, counts: { ...row.counts, ...writes } }]
}

interface RequestLoad {
  readonly label: string
  readonly connections: number
  /** Publishes beside the REQs while the clock runs. */
  readonly writer: SteadyWriter | null
}

async function measureRequests(context: ModeContext, shape: Shape, load: RequestLoad): Promise<Row> {
  const { target, corpus, oracle, range, sizes, seed } = context
  const { connections, writer } = load
  const source = new FilterSource(shape, corpus, oracle, seed)
  const prepare = (count: number) => prepareRequests(source.take(count), connections)
  const atRest = { ackedBefore: range.from, sentBefore: range.from }
  const warmUp = await runRequests(target.url, prepare(WARM_UP_REQUESTS), {
    seconds: Math.min(sizes.seconds, WARM_UP_SECONDS),
    presence: () => atRest,
  })
  const wanted = Math.ceil((warmUp.requests / warmUp.seconds) * sizes.seconds * HEADROOM)
  const prepared = prepare(Math.min(REQUESTS_MAX, Math.max(REQUESTS_MIN, wanted)))
  const pids = await pidsOf(target)
  collectGarbage()
  await writer?.start()
  const cpu = meterCpu(pids)
  const asked = await runRequests(target.url, prepared, {
    seconds: sizes.seconds,
    presence: () => writer ?? atRest,
  })
  const shares = cpu()
  await writer?.stop()
  checkAnswers(context, warmUp.answers)
  const checked = checkAnswers(context, asked.answers)
  return {
    what: load.label,
    rate: asked.requests / asked.seconds,
    unit: 'REQs/s',
    timesMs: asked.eoseMs,
    counts: {
      eventsPerRequest: asked.events / asked.requests,
      firstFrameP50Ms: asked.firstFrameMs.p50,
      firstFrameP99Ms: asked.firstFrameMs.p99,
      checked,
    },
    cpu: shares,
  }
}
