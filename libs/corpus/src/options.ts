/** Which corpus: the same options give the same events, byte for byte, on every machine. */
export interface CorpusOptions {
  readonly seed: string
  readonly count: number
  /** Authors taking part; the first of them write most (default: one per 40 events, from 20 to 20,000). */
  readonly authorCount?: number
  /** The corpus begins here, seconds since the Unix epoch (default 2025-01-01). */
  readonly fromS?: number
  /** And ends before here (default 2026-01-01). */
  readonly toS?: number
  /** Share of events that are deletion requests (kind 5) for the author's own events (default 0). */
  readonly deletionShare?: number
}

export type Corpus = Required<CorpusOptions>

const FROM_S = Date.UTC(2025, 0, 1) / 1000
const TO_S = Date.UTC(2026, 0, 1) / 1000

export const completeOptions = (options: CorpusOptions): Corpus => ({
  seed: options.seed,
  count: options.count,
  authorCount: options.authorCount ?? Math.min(20_000, Math.max(20, Math.ceil(options.count / 40))),
  fromS: options.fromS ?? FROM_S,
  toS: options.toS ?? TO_S,
  deletionShare: options.deletionShare ?? 0,
})
