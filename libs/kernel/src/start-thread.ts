import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'

export interface ThreadHeap {
  /** Absent: as V8 sees fit. */
  readonly oldMibMax?: number
  readonly youngMibMax: number
}

/**
 * Starts a thread with a heap of its own bounds. Of this process's flags it takes over the profilers' alone: others, such as inspectors
 * and the loaders of test runners, are not for threads.
 */
export function startThread(
  script: URL,
  workerData: unknown,
  { oldMibMax, youngMibMax }: ThreadHeap,
): Worker {
  // On the command line these flags beat the limits of every thread. This thread's heap has them since it began.
  setFlagsFromString('--max-old-space-size=0')
  setFlagsFromString('--max-semi-space-size=0')
  return new Worker(script, {
    workerData,
    execArgv: process.execArgv.filter((flag) => flag.startsWith('--cpu-prof')),
    resourceLimits: {
      maxYoungGenerationSizeMb: youngMibMax,
      ...(oldMibMax === undefined ? {} : { maxOldGenerationSizeMb: oldMibMax }),
    },
  })
}
