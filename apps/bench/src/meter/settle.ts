import { delayMs } from '@millrace/kernel'
import { cpuSeconds } from './process-stats.ts'

const SAMPLE_MS = 400
/** An idle stack of several processes keeps ticking. */
const QUIET_CORES = 0.3
const TIMEOUT_MS = 120_000

/**
 * Waits until the processes have little left to do: what one mode leaves behind (a sink that catches up, a compaction) is not
 * to slow down the next, nor the other relay. Answers whether they came to rest within two minutes.
 */
export async function settle(pids: readonly number[]): Promise<boolean> {
  if (pids.length === 0) return true
  const endMs = performance.now() + TIMEOUT_MS
  while (performance.now() < endMs) {
    const before = pids.map((pid) => cpuSeconds(pid))
    const startedMs = performance.now()
    await delayMs(SAMPLE_MS)
    const seconds = (performance.now() - startedMs) / 1000
    const used = pids.reduce((sum, pid, at) => sum + cpuSeconds(pid) - (before[at] as number), 0)
    if (used / seconds < QUIET_CORES) return true
  }
  return false
}
