import { generateCorpus } from '@millrace/corpus'
import type { NostrEvent } from '@millrace/nostr'
import { type FanoutResult, measureFanout } from './measure/fanout.ts'
import { measureMemory } from './measure/memory.ts'
import { measurePublish, type PublishLoad, type PublishResult } from './measure/publish.ts'
import { measureRequests, type RequestResult, shapesOver } from './measure/requests.ts'
import { measureSink, untilStored } from './measure/sink.ts'
import { describeMachine } from './report/machine.ts'
import type { BenchReport } from './report/report.ts'
import type { Steps } from './steps.ts'
import type { Target } from './target/target.ts'

export interface BenchOptions {
  /** 1 for the full size; smaller ones measure less of the same. */
  readonly scale: number
  readonly seed: string
}

/** Each load with as many events as take some seconds. */
const PUBLISH_LOADS: readonly (PublishLoad & { readonly events: number })[] = [
  { connections: 1, window: 1, events: 3_000 },
  { connections: 16, window: 1, events: 12_000 },
  { connections: 64, window: 1, events: 16_000 },
]
/** Published 64×32 while storage is stopped, then caught up with. */
const SINK_EVENTS = 30_000
const REQUEST_CONNECTIONS = 16
const REQUEST_SECONDS = 5
const SUBSCRIBERS = 1_000
const FANOUT_RATE = 20
const FANOUT_EVENTS = 200

/** Everything in turn: what is published first is what is asked for afterwards. */
export async function runBench(target: Target, options: BenchOptions, steps: Steps): Promise<BenchReport> {
  const machine = describeMachine()
  const startedAt = new Date().toISOString()
  const scaled = (count: number) => Math.max(20, Math.round(count * options.scale))
  const sizes = [...PUBLISH_LOADS.map(({ events }) => scaled(events)), scaled(SINK_EVENTS)]
  const events = await corpus(
    options.seed,
    sizes.reduce((a, b) => a + b, 0),
    steps,
  )
  const parts = cut(events, sizes)
  const publish: PublishResult[] = []
  for (const [at, load] of PUBLISH_LOADS.entries())
    publish.push(await publishStep(target, load, parts[at] ?? [], steps))
  const last = parts[PUBLISH_LOADS.length] ?? []
  const caughtUp = target.isOwn ? await sinkStep(target, last, steps) : null
  publish.push(caughtUp?.publish ?? (await publishStep(target, { connections: 64, window: 32 }, last, steps)))
  await steps.step('waiting until all is stored', () => untilStored(target))
  const requests = await requestSteps(target, events, REQUEST_SECONDS * options.scale, steps)
  const fanout = await fanoutSteps(target, scaled(SUBSCRIBERS), scaled(FANOUT_EVENTS), steps)
  const memory = await measureMemory(target)
  return {
    startedAt,
    target: target.description,
    machine,
    publish,
    requests,
    fanout,
    sink: caughtUp?.sink ?? null,
    memory,
  }
}

const corpus = (seed: string, count: number, steps: Steps): Promise<NostrEvent[]> =>
  steps.step(`signing ${count.toLocaleString('en-US')} events`, async (progress) => {
    const events: NostrEvent[] = []
    for await (const batch of generateCorpus({ seed, count })) {
      events.push(...batch)
      progress(events.length, count)
    }
    return events
  })

const publishStep = (
  target: Target,
  load: PublishLoad,
  events: readonly NostrEvent[],
  steps: Steps,
): Promise<PublishResult> =>
  steps.step(`publish ${load.connections}×${load.window}`, (progress) =>
    measurePublish(target.relayUrl, { connections: load.connections, window: load.window }, events, (done) =>
      progress(done, events.length),
    ),
  )

const sinkStep = (target: Target, events: readonly NostrEvent[], steps: Steps) =>
  steps.step('publish 64×32 with storage stopped, then catch up', (progress) =>
    measureSink(target, events, (done) => progress(done, events.length)),
  )

async function requestSteps(
  { relayUrl }: Target,
  events: readonly NostrEvent[],
  seconds: number,
  steps: Steps,
): Promise<RequestResult[]> {
  const results: RequestResult[] = []
  for (const shape of shapesOver(events))
    results.push(
      await steps.step(`REQ ${shape.name}`, () =>
        measureRequests(relayUrl, shape, { connections: REQUEST_CONNECTIONS, seconds }),
      ),
    )
  return results
}

async function fanoutSteps(
  { relayUrl }: Target,
  subscribers: number,
  events: number,
  steps: Steps,
): Promise<FanoutResult[]> {
  const results: FanoutResult[] = []
  for (const eventsPerSecond of [FANOUT_RATE, null])
    results.push(
      await steps.step(
        `fanout to ${subscribers}, ${eventsPerSecond === null ? 'flat out' : `${eventsPerSecond}/s`}`,
        (progress) =>
          measureFanout(relayUrl, { subscribers, eventsPerSecond, events }, (done) =>
            progress(done, events * subscribers),
          ),
      ),
    )
  return results
}

function cut<T>(list: readonly T[], sizes: readonly number[]): T[][] {
  const parts: T[][] = []
  let from = 0
  for (const size of sizes) {
    parts.push(list.slice(from, from + size))
    from += size
  }
  return parts
}
