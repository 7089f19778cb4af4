import { generateCorpus } from '@millrace/corpus'
import type { SignedEvent } from '@millrace/testkit'
import type { Corpus } from '../corpus/corpus.ts'
import { CorpusBuilder } from '../corpus/corpus-builder.ts'

/** A corpus of events that need not be signed. */
export function corpusOf(events: readonly SignedEvent[], baseCount = events.length): Corpus {
  const jsons = events.map((event) => Buffer.from(JSON.stringify(event)))
  const bytesMax = jsons.reduce((sum, json) => sum + json.length, 0)
  const builder = new CorpusBuilder({ baseCount, bytesMax, events: events.length })
  for (const [at, event] of events.entries()) builder.add(event, jsons[at] as Buffer)
  return builder.build()
}

/** Signed events of all kinds. */
export async function someEvents(count: number, seed = 'bench test'): Promise<SignedEvent[]> {
  const events: SignedEvent[] = []
  for await (const batch of generateCorpus({ seed, count, authorCount: 20 }))
    events.push(...(batch as readonly SignedEvent[]))
  return events
}
