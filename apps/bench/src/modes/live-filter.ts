import type { Corpus } from '../corpus/corpus.ts'
import type { BenchFilter } from '../oracle/filter.ts'

/** Nothing that is stored, and everything of the pool that comes. */
export const liveFilter = (corpus: Corpus): BenchFilter => ({
  kinds: [...new Set(corpus.kinds.subarray(corpus.baseCount))],
  limit: 0,
})
