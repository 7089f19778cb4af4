import { parentPort } from 'node:worker_threads'
import type { Draft } from '../draft.ts'
import { signatureOf } from './key.ts'

/** One batch in, its signatures out, in the same order. */
parentPort?.on('message', (drafts: readonly Draft[]) => {
  parentPort?.postMessage(drafts.map(({ event, secretKey }) => signatureOf(event, secretKey)))
})
