import type { Corpus } from '../corpus/corpus.ts'
import { publishRange, type Range } from './publish-range.ts'

const TRIES = 3
const LOAD = { connections: 16, window: 32 } as const
/** Refusals that leave the relay as the oracle expects it: it holds a newer version. */
const IS_HARMLESS = /^\["OK","[0-9a-f]{64}",false,"[^"]*(replaced|newer|duplicate|already)/i

/** Publishes until the relay holds every event of the range; throws with its words when it keeps refusing one. */
export async function ensurePresent(
  url: string,
  corpus: Corpus,
  range: Range,
  onProgress: (done: number) => void = () => {},
): Promise<void> {
  let refusal: string | null = null
  for (let tried = 0; tried < TRIES; tried++) {
    refusal = null
    await publishRange(url, corpus, range, LOAD, {
      onProgress,
      onRefusal: (message) => {
        if (!IS_HARMLESS.test(message)) refusal ??= message
      },
    })
    if (refusal === null) return
  }
  throw new Error(`${url} keeps refusing an event of the corpus: ${refusal}`)
}
