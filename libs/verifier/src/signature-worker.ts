import { parentPort, workerData } from 'node:worker_threads'
import { type BatchVerdicts, checkBatch, type WorkerReady } from './signature-batch.ts'
import { type CheckerChoice, openChecker } from './signature-checker.ts'

// The entry of one verifier thread: opens its checker, says which one it got, then answers batches in order.
const checker = await openChecker(workerData as CheckerChoice)
parentPort?.on('message', (batch: Uint8Array<ArrayBuffer>) => {
  const verdicts: BatchVerdicts = checkBatch(checker, batch)
  parentPort?.postMessage(verdicts, [verdicts.buffer])
})
parentPort?.postMessage({ implementation: checker.implementation } satisfies WorkerReady)
