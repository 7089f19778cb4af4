import { delayMs } from '@millrace/kernel'
import { subscribeAll } from '../load/live-subscribers.ts'
import { memoryOf } from '../meter/process-stats.ts'
import { settle } from '../meter/settle.ts'
import type { BenchFilter } from '../oracle/filter.ts'
import type { Target } from '../target/target.ts'
import { type Mode, type ModeContext, pidsOf, type Row, scaled } from './mode.ts'

const CONNECTIONS = 2_000
/** A garbage collector that would have to run for the connections has run by then. */
const REST_MS = 3_000

/**
 * Memory that connections cost which do nothing but hold a subscription. Measured once: what an allocator has kept from
 * earlier connections would make the next ones look cheap, so the relay has to be freshly started, too.
 */
export const idleModes: readonly Mode[] = [
  {
    name: 'idle-2000',
    runsMax: 1,
    poolEvents: () => 0,
    measure: (context) => measureIdle(context),
  },
]

async function measureIdle({ target, corpus, sizes }: ModeContext): Promise<readonly Row[]> {
  const connections = scaled(CONNECTIONS, sizes)
  const authors = [...corpus.byAuthor.keys()]
  const filters = Array.from({ length: connections }, (_, n): BenchFilter => {
    const author = authors[n % authors.length] as string
    return { authors: [author], kinds: [1], limit: 0 }
  })
  const before = await memory(target)
  const startedMs = performance.now()
  let failure: Error | null = null
  const sockets = await subscribeAll(
    target.url,
    filters,
    () => {},
    (cause) => {
      failure ??= cause
    },
  )
  const connectSeconds = (performance.now() - startedMs) / 1000
  await delayMs(REST_MS)
  const after = await memory(target)
  for (const socket of sockets) socket.close()
  if (failure !== null) throw failure
  return [
    {
      what: `${connections.toLocaleString('en-US')} idle subscriptions`,
      rate: (after.rssKib - before.rssKib) / connections,
      unit: 'KiB/connection',
      timesMs: null,
      counts: {
        anonymousKib: (after.anonymousKib - before.anonymousKib) / connections,
        connectsPerSecond: connections / connectSeconds,
      },
      cpu: null,
    },
  ]
}

/** Of the processes that hold connections, once they are at rest; zero for a relay whose processes are not known. */
async function memory(target: Target) {
  await settle(await pidsOf(target))
  const all = (await target.edges()).map(({ pid }) => memoryOf(pid))
  return {
    rssKib: all.reduce((sum, { rssKib }) => sum + rssKib, 0),
    anonymousKib: all.reduce((sum, { anonymousKib }) => sum + anonymousKib, 0),
  }
}
