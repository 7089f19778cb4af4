import { memoryOf, mib } from '../meter/process-stats.ts'
import type { Mode } from '../modes/mode.ts'
import type { Target } from '../target/target.ts'
import { Results } from './results.ts'
import type { Session } from './session.ts'

/** Resident memory of a process, MiB. */
export interface ProcessRss {
  readonly process: string
  readonly rssMib: number
}

export const rssOf = async (target: Target): Promise<readonly ProcessRss[]> =>
  (await target.processes()).map(({ name, pid }) => ({ process: name, rssMib: mib(memoryOf(pid).rssKib) }))

/**
 * Mode after mode, `runs` times each, the relays in turn and in the other order every second time: what is compared was
 * measured within seconds, and drift of the machine meets both.
 */
export async function runModes(session: Session, modes: readonly Mode[], runs: number): Promise<Results> {
  const { targets } = session
  const results = new Results(targets.length)
  for (const mode of modes) {
    for (let run = 0; run < Math.min(runs, mode.runsMax ?? runs); run++) {
      const range = session.take(mode)
      const order = [...targets.entries()]
      if (run % 2 === 1) order.reverse()
      for (const [side, target] of order)
        results.add(mode.name, side, await session.measure(target, mode, range, run))
    }
  }
  return results
}
