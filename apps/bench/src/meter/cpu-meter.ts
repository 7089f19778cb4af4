import { cpuSeconds } from './process-stats.ts'

export interface CpuShares {
  /** Cores that the load tool itself kept busy: near 1 it is the bottleneck, not the relay. */
  readonly toolCores: number
  /** Cores that the relay's processes kept busy; null when they are not known. */
  readonly relayCores: number | null
}

/** Starts counting; the answer ends it. */
export function meterCpu(pids: readonly number[]): () => CpuShares {
  const relayBefore = total(pids)
  const toolBefore = process.cpuUsage()
  const startedMs = performance.now()
  return () => {
    const seconds = (performance.now() - startedMs) / 1000
    const { user, system } = process.cpuUsage(toolBefore)
    return {
      toolCores: (user + system) / 1e6 / seconds,
      relayCores: pids.length === 0 ? null : (total(pids) - relayBefore) / seconds,
    }
  }
}

const total = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
