// Starts itself as a thread; the thread tells the bound of its heap, then the process tells both, MiB.
import { getHeapStatistics } from 'node:v8'
import { isMainThread, parentPort } from 'node:worker_threads'
import { startThread } from '../start-thread.ts'

const heapMib = (): number => Math.round(getHeapStatistics().heap_size_limit / 2 ** 20)

if (isMainThread) {
  const thread = startThread(new URL(import.meta.url), null, { oldMibMax: 100, youngMibMax: 4 })
  thread.once('message', (threadMib: number) =>
    process.stdout.write(JSON.stringify({ thread: threadMib, main: heapMib() })),
  )
} else parentPort?.postMessage(heapMib())
