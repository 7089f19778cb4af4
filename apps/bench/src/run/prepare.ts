import { ask } from '../client/ask.ts'
import type { Corpus } from '../corpus/corpus.ts'
import { ensurePresent } from '../load/ensure-present.ts'
import { Oracle, type Privacy } from '../oracle/oracle.ts'

const SAMPLE_EVENTS = 100
const PRIVATE_SAMPLE_EVENTS = 20

/** Whether the relay holds the base: true when a sample spread over it is there. */
export async function holdsBase(url: string, corpus: Corpus): Promise<boolean> {
  const sample = spread(corpus, SAMPLE_EVENTS, (index) => isPlain(corpus, index))
  return (await ask(url, { ids: sample.map((index) => corpus.idOf(index)) })).length === sample.length
}

/**
 * How far into the pool the relay has come in earlier runs: the index of the first event that it does not hold. The pool is
 * published in order and each run ends with all of its part in the relay, so that a binary search finds it.
 */
export async function firstMissing(url: string, corpus: Corpus): Promise<number> {
  let [low, high] = [corpus.baseCount, corpus.count]
  while (low < high) {
    const middle = (low + high) >> 1
    const found = await ask(url, { ids: [corpus.idOf(middle)] })
    if (found.length > 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Publishes what the relay lacks of the events before `end`. */
export async function load(
  url: string,
  corpus: Corpus,
  end: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const from = (await holdsBase(url, corpus)) ? await firstMissing(url, corpus) : 0
  if (from < end) await ensurePresent(url, corpus, { from, to: end }, (done) => onProgress(done, end - from))
}

/** What the relay does with private kinds; all three are met among relays. */
export async function privacyOf(url: string, corpus: Corpus): Promise<Privacy> {
  const sample = spread(corpus, PRIVATE_SAMPLE_EVENTS, (index) => corpus.isPrivate[index] === 1)
  const shown = await ask(url, { ids: sample.map((index) => corpus.idOf(index)) })
  if (shown.length > 0) return 'shown'
  const hiding = new Oracle(corpus, 'hidden')
  for (const [author, indices] of corpus.byAuthor) {
    if (!indices.some((index) => index < corpus.baseCount && corpus.isPrivate[index] === 1)) continue
    const whole = { authors: [author], until: corpus.createdAt[corpus.baseCount - 1] as number }
    // Cut before they are left out, a limit that just lets all visible ones through would lose one to each private event.
    const limit = hiding.expected([whole], corpus.baseCount).size
    if (limit === 0) continue
    const answer = await ask(url, { ...whole, limit })
    return answer.length < limit ? 'hidden after the limit' : 'hidden'
  }
  return 'hidden'
}

const isPlain = (corpus: Corpus, index: number): boolean =>
  corpus.isSuperseded[index] === 0 && corpus.isPrivate[index] === 0

/** Some indices of the base, evenly spread over those that fit. */
function spread(corpus: Corpus, count: number, fits: (index: number) => boolean): number[] {
  const all = Array.from({ length: corpus.baseCount }, (_, index) => index).filter(fits)
  const step = Math.max(1, all.length / count)
  return Array.from({ length: Math.min(count, all.length) }, (_, n) => all[Math.floor(n * step)] as number)
}
