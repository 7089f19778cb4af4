import { openCorpus } from './corpus/open-corpus.ts'
import type { Mode, Sizes } from './modes/mode.ts'
import { MODES, modesNamed } from './modes/modes.ts'
import type { BenchOptions } from './options.ts'
import { describeMachine } from './report/machine.ts'
import type { BenchReport, ReportSide } from './report/report.ts'
import { type ProcessRss, rssOf, runModes } from './run/run-modes.ts'
import { PAIR_SIDES, runPairs } from './run/run-pairs.ts'
import { Session } from './run/session.ts'
import type { Steps } from './steps.ts'
import type { Target } from './target/target.ts'

export interface BenchPlan {
  /** One relay, or two to be compared. */
  readonly targets: readonly Target[]
  readonly runs: number
  /** Measures the one stack in so many pairs, with storage and ClickHouse running and stopped. */
  readonly pairs?: number | undefined
  readonly command: string
}

/** Loads, measures and reports. */
export async function bench(plan: BenchPlan, options: BenchOptions, steps: Steps): Promise<BenchReport> {
  const { targets, pairs } = plan
  const machine = describeMachine()
  const startedAt = new Date().toISOString()
  const wanted = options.modes === undefined ? MODES : modesNamed(options.modes)
  const modes = wanted.filter((mode) => targets.every((target) => mode.isFor?.(target) ?? true))
  const sizes: Sizes = { seconds: options.seconds, scale: options.scale }
  const visits = pairs === undefined ? plan.runs : pairs * 2
  const choice = {
    seed: options.seed,
    baseEvents: options.events,
    file: options.corpus,
    poolEvents: options.pool,
  }
  const { path, corpus } = await openCorpus(choice, poolNeeded(modes, sizes, visits), steps)
  const session = new Session(targets, corpus, sizes, steps)
  await session.prepare()
  const loadedEvents = session.loaded
  const rssAfterLoad = await Promise.all(targets.map(rssOf))
  const results = await (pairs === undefined
    ? runModes(session, modes, plan.runs)
    : runPairs(session, modes, pairs, steps))
  return {
    startedAt,
    command: plan.command,
    machine,
    corpus: { path, baseEvents: corpus.baseCount, loadedEvents },
    runs: pairs ?? plan.runs,
    sizes,
    sides: await sidesOf(plan, session, rssAfterLoad),
    results: results.list(),
  }
}

const poolNeeded = (modes: readonly Mode[], sizes: Sizes, visits: number): number =>
  visits * modes.reduce((sum, mode) => sum + mode.poolEvents(sizes), 0)

async function sidesOf(
  { targets, pairs }: BenchPlan,
  session: Session,
  rssAfterLoad: readonly (readonly ProcessRss[])[],
): Promise<readonly ReportSide[]> {
  const sides = await Promise.all(
    targets.map(async (target, at) => ({
      name: target.name,
      url: target.url,
      durability: target.durability,
      privacy: session.privacyOf(target),
      rssAfterLoad: rssAfterLoad[at] ?? [],
      rssAtEnd: await rssOf(target),
    })),
  )
  const [only] = sides
  return pairs === undefined || only === undefined ? sides : PAIR_SIDES.map((name) => ({ ...only, name }))
}
