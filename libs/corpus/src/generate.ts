import type { NostrEvent } from '@millrace/nostr'
import type { Draft } from './draft.ts'
import type { CorpusOptions } from './options.ts'
import { planCorpus } from './plan.ts'
import { SignPool } from './signing/sign-pool.ts'

/** Enough for a thread to be worth its message, few enough to come out in a steady stream. */
const BATCH_EVENTS = 64
/** Batches per thread that wait or are being signed. */
const BATCHES_AHEAD = 3

/**
 * A realistic synthetic corpus: threads, reactions, zaps, profiles, follows, articles, videos and more, in order of
 * created_at, properly signed, in batches. Deterministic for its options, signatures included; memory stays bounded.
 */
export async function* generateCorpus(options: CorpusOptions): AsyncGenerator<readonly NostrEvent[]> {
  const pool = new SignPool()
  try {
    const inFlight: Promise<readonly NostrEvent[]>[] = []
    for (const batch of batches(planCorpus(options))) {
      inFlight.push(pool.sign(batch))
      if (inFlight.length >= pool.threadCount * BATCHES_AHEAD)
        yield await (inFlight.shift() as (typeof inFlight)[0])
    }
    for (const batch of inFlight) yield await batch
  } finally {
    await pool.close()
  }
}

function* batches(drafts: Iterable<Draft>): Generator<readonly Draft[]> {
  let batch: Draft[] = []
  for (const draft of drafts) {
    batch.push(draft)
    if (batch.length < BATCH_EVENTS) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
