import { until } from '@millrace/testkit'
import type { Mode } from '../modes/mode.ts'
import type { Steps } from '../steps.ts'
import { type Control, partsOf } from '../target/control.ts'
import { Results } from './results.ts'
import type { Session } from './session.ts'

/** What the relay is said not to need for its answers. In the order in which they are started; stopped the other way round. */
const PARTS = ['clickhouse', 'storage'] as const
const READY_DEADLINE_MS = 120_000

export const PAIR_SIDES = ['storage and ClickHouse running', 'storage and ClickHouse stopped'] as const

/**
 * One stack measured in pairs, with storage and ClickHouse running and stopped, in the other order every second time. Each
 * visit publishes events of its own.
 */
export async function runPairs(
  session: Session,
  modes: readonly Mode[],
  pairs: number,
  steps: Steps,
): Promise<Results> {
  const [target] = session.targets
  if (target === undefined || target.control === null || !target.isOwn)
    throw new Error('--ab-pairs stops and starts parts: it needs a stack of its own')
  const { control } = target
  const results = new Results(PAIR_SIDES.length)
  try {
    for (let pair = 0; pair < pairs; pair++) {
      const order = pair % 2 === 0 ? [0, 1] : [1, 0]
      for (const side of order) {
        await steps.step(PAIR_SIDES[side] as string, () =>
          side === 0 ? startParts(control) : stopParts(control),
        )
        for (const mode of modes)
          results.add(mode.name, side, await session.measure(target, mode, session.take(mode), pair))
      }
    }
  } finally {
    await startParts(control)
  }
  return results
}

async function stopParts(control: Control): Promise<void> {
  for (const part of [...PARTS].reverse())
    if ((await stateOf(control, part)) !== 'stopped') await control('POST', `/parts/${part}/stop`)
}

async function startParts(control: Control): Promise<void> {
  for (const part of PARTS) {
    if ((await stateOf(control, part)) === 'stopped') await control('POST', `/parts/${part}/start`)
    await until(async () => (await stateOf(control, part)) === 'ready', {
      deadlineMs: READY_DEADLINE_MS,
      what: `${part} to be ready`,
    })
  }
}

const stateOf = async (control: Control, name: string): Promise<string | undefined> =>
  (await partsOf(control)).find((part) => part.name === name)?.state
